#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Compares the library's formats with their definitions.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

@test "the kernel's and the library's dma-alloc ABI are the same, field by field" {
	diff <("$KHO_BUILDDIR/tests/unit/test-abi-layout-user") \
		<("$KHO_BUILDDIR/tests/unit/test-abi-layout-kernel")
	[ "$("$KHO_BUILDDIR/tests/unit/test-abi-layout-kernel" | wc -l)" -gt 40 ]
}

@test "CRC-32C gives the values of its definition" {
	"$KHO_BUILDDIR/tests/unit/test-checksums"
}

@test "the library exports what its headers declare, and nothing else" {
	diff <(grep -ohE '^[A-Za-z].*\bkho_[a-z0-9_]+\(' "$BATS_TEST_DIRNAME"/../../libkho/kho{,_output}.h |
		grep -oE '\bkho_[a-z0-9_]+\(' |
		tr -d '(' | sort -u) \
		<(grep -oE '^\skho_[a-z0-9_]+;' "$top/libkho/libkho.map" |
			tr -d '\t;' | sort -u)
	diff <(nm -D --defined-only "$KHO_BUILDDIR/libkho/.libs/libkho.so" |
		sed -n 's/.* T \([a-z_0-9]*\)@@.*/\1/p' | sort -u) \
		<(grep -oE '^\skho_[a-z0-9_]+;' "$top/libkho/libkho.map" |
			tr -d '\t;' | sort -u)
}

@test "a program in C++ compiles, links and lists the rules" {
	command -v g++ >/dev/null || skip "no C++ compiler"
	cat >"$BATS_TEST_TMPDIR/rules.cc" <<-'END'
		#include <cstdio>
		#include <kho.h>
		#include <kho_output.h>

		int main()
		{
			std::size_t n;
			const kho_rule *rules = kho_rules(&n);

			for (std::size_t i = 0; i < n; i++)
				std::printf("%s\n", rules[i].id);
			return kho_rule_get(KHO_RULE_K001) != &rules[0];
		}
	END
	g++ -Wall -Wextra -Werror -I "$top/libkho" -o "$BATS_TEST_TMPDIR/rules" \
		"$BATS_TEST_TMPDIR/rules.cc" "$KHO_BUILDDIR/libkho/.libs/libkho.so"
	# the sanitizers' libraries must load first
	diff <(LD_LIBRARY_PATH=$KHO_BUILDDIR/libkho/.libs LD_PRELOAD=$(sanitizer_of "$KHO_BUILDDIR/libkho/.libs/libkho.so") \
		ASAN_OPTIONS=detect_leaks=0 "$BATS_TEST_TMPDIR/rules") \
		<(sed -nE 's/^KHO_RULE\(([0-9]+),.*/K\1/p' "$top/libkho/kho_rules.def")
}

sanitizer_of() {
	ldd "$1" | sed -n 's/^\s*libasan[^ ]* => \([^ ]*\) .*/\1/p'
}

# Prints the ABI of compiled programs: sizes of public structures, values of enumerators.
recorded_abi() {
	local headers=("$BATS_TEST_DIRNAME"/../../libkho/kho{,_output}.h)
	{
		printf '#include <stdio.h>\n#include <kho.h>\n#include <kho_output.h>\nint main(void)\n{\n'
		sed -nE 's/^struct (kho_[a-z0-9_]+) \{.*/printf("struct \1: %zu bytes\\n", sizeof(struct \1));/p' "${headers[@]}"
		sed -n '/^enum .*{/,/}/p' "${headers[@]}" | sed 's,/\*.*,,' | grep -oE '\bKHO_[A-Z0-9_]+\b' |
			grep -vx 'KHO_RULE\|KHO_RULE_K' | sed 's/.*/printf("& = %d\\n", (int)&);/'
		printf 'return 0;\n}\n'
	} >"$BATS_TEST_TMPDIR/abi.c"
	"${CC:-gcc}" -I "$top/libkho" -o "$BATS_TEST_TMPDIR/abi" "$BATS_TEST_TMPDIR/abi.c"
	"$BATS_TEST_TMPDIR/abi"
}

@test "the headers list the error codes of every function that fills in an error" {
	# shellcheck disable=SC2016 # awk's
	run -0 awk '
	/^\/\*/ { comment = ""; inside = 1 }
	inside { comment = comment $0; if (/\*\//) inside = 0; next }
	/^$/ { comment = "" }
	/^int kho_/ { name = $2; decl = "" }
	name { decl = decl $0 }
	name && /;/ {
		if (decl ~ /struct kho_error \*err\)/ && comment !~ /KHO_ERR_|Errors:/) print name
		name = ""
	}
	' "$BATS_TEST_DIRNAME"/../../libkho/kho{,_output}.h
	[ -z "$output" ]
}

@test "public structures can grow" {
	# the last member of each; kho.h says why three have nothing reserved
	awk '/^struct kho_[a-z_]+ \{/ { name = $2 } name && /^};/ { if (last !~ /reserved\[/) print name; name = "" }
		{ last = $0 }' "$BATS_TEST_DIRNAME"/../../libkho/kho{,_output}.h >"$BATS_TEST_TMPDIR/fixed"
	diff <(printf 'kho_range\nkho_item\nkho_finding\n') "$BATS_TEST_TMPDIR/fixed"
}

@test "the ABI equals the recorded one" {
	# until the first release it may change: then record the lines that the test prints
	recorded_abi >"$BATS_TEST_TMPDIR/abi.txt"
	[ "$(grep -c '^struct ' "$BATS_TEST_TMPDIR/abi.txt")" -ge 10 ]
	diff "$BATS_TEST_DIRNAME/libkho-abi.txt" "$BATS_TEST_TMPDIR/abi.txt" || {
		cat "$BATS_TEST_TMPDIR/abi.txt"
		false
	}
}
