#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A rule that follows docs/extending.md fires on every format of the map.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup() {
	copy=$BATS_TEST_TMPDIR/libkho
	core=$KHO_BUILDDIR/libkho/.libs/libkho-core.a
	flags=(-std=gnu11 -D_GNU_SOURCE -O1 -I "$BATS_TEST_TMPDIR" -I "$copy" -I "$KHO_BUILDDIR")
	# like libtool would link it
	read -ra libraries < <(sed -n "s/^dependency_libs='\(.*\)'/\1/p" "$KHO_BUILDDIR/libkho/libkho-core.la")
	if nm "$core" 2>/dev/null | grep -q __asan_init; then
		flags+=("-fsanitize=address,undefined")
	fi
}

# add_rule LINE: adds the line to kho_rules.def, and a line to map_rules[] with a predicate that is
# false for every entry.
add_rule() {
	cp -r "$top/libkho" "$copy"
	echo "$1" >>"$copy/kho_rules.def"
	sort -t '(' -k 2 -o "$BATS_TEST_TMPDIR/sorted" <(grep '^KHO_RULE(' "$copy/kho_rules.def")
	mv "$BATS_TEST_TMPDIR/sorted" "$copy/kho_rules.def"
	sed -i -e '/^static const struct map_rule map_rules/i static bool no(const struct kho_verify *v, uint64_t addr, uint64_t size) { (void)v; (void)addr; return !size; }' \
		-e '/KHO_RULE_K104, kho_verify_in_ram/a { KHO_RULE_K199, no, "is of no use" },' "$copy/verify_map.c"
	[ "$(grep -c 'KHO_RULE_K199' "$copy/verify_map.c")" = 1 ]
}

@test "a new rule about the map fires on the fixtures of every format, for every entry" {
	local fixture
	add_rule 'KHO_RULE(199, MAP, ERROR, "A rule of a test.")'
	cat >"$BATS_TEST_TMPDIR/main.c" <<-'END'
		#include <inttypes.h>
		#include <stdio.h>
		#include <kho.h>

		static int count(const struct kho_finding *finding, void *data)
		{
			uint64_t *n = data;

			if (finding->rule->number == KHO_RULE_K199)
				*n += finding->count;
			return 0;
		}

		int main(int argc, char **argv)
		{
			static const char *const only[] = { "K199", NULL };
			const struct kho_verify_options options = { .only = only };
			struct kho_verify_summary summary;
			struct kho_source *source;
			struct kho_state *state;
			uint64_t n = 0;

			if (argc != 2 || kho_source_open_file(argv[1], &source, NULL) ||
			    kho_state_open(source, KHO_SIDE_OUT, &state, NULL) ||
			    kho_verify(state, &options, count, &n, &summary, NULL))
				return 2;
			printf("%" PRIu64 " of %" PRIu64 "\n", n, summary.preservations);
			kho_state_close(state);
			kho_source_close(source);
			/* and it was evaluated to the end */
			return !n || n != summary.preservations || summary.rules != 1;
		}
	END
	# compile only files that depend on the number of rules
	"${CC:-gcc}" "${flags[@]}" -o "$BATS_TEST_TMPDIR/main" "$BATS_TEST_TMPDIR/main.c" \
		"$copy"/{rules,report,verify,target}.c "$copy"/verify_*.c "$core" \
		"${libraries[@]}"
	for fixture in "$top"/tests/fixtures/*-outgoing.khosnap; do
		run -0 "$BATS_TEST_TMPDIR/main" "$fixture"
		echo "$fixture: $output"
	done
}
