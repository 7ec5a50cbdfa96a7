#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Each patch of the kernel series by itself applies, builds, links, and adds no warning.

bats_require_minimum_version 1.5.0
load helpers

setup() {
	steps_paths
}

# Prints "TYPE file" of each message of checkpatch about the whole series. Because the tree is not a
# repository, checkpatch does not check the names of licences.
checkpatch_says() {
	local patch status
	for patch in "${STEPS_PATCHES[@]}"; do
		status=0
		(cd "$STEPS_TREE" && scripts/checkpatch.pl --strict --no-signoff --terse --show-types \
			--showfile "$patch") 2>&1 || status=$?
		# status 1 means findings
		((status <= 1)) || echo "checkpatch ended with status $status on $patch"
	done >"$BATS_TEST_TMPDIR/checkpatch"
	sed -n 's/^\([^:]*\):[0-9]*: [A-Z]*:\([A-Z0-9_]*\): .*/\2 \1/p' "$BATS_TEST_TMPDIR/checkpatch" | LC_ALL=C sort -u
}

# Prints "TYPE glob" of each line of the table in the series' README.
explained() {
	sed -n '/^## checkpatch/,$s/^| `\([A-Z0-9_]*\)` | \(`.*`\) | .*/\1 \2/p' "$KERNEL_SERIES/README.md" |
		tr -d '`' | while read -r type globs; do
		# shellcheck disable=SC2086 # words
		printf "$type %s\n" $globs
	done
}

@test "git am applies the series to the pristine sources" {
	steps_prepare
	((${#STEPS_PATCHES[@]}))
	[ "$(git -C "$STEPS_DIR/applied" rev-list --count steps)" = $((${#STEPS_PATCHES[@]} + 1)) ]
	# no patch overwrites a file that existed before
	run -0 git -C "$STEPS_DIR/applied" status --porcelain
	[ -z "$output" ]
}

@test "every patch builds and links by itself, and adds no warning of W=1 and sparse" {
	local n log=$BATS_TEST_TMPDIR/log known=$BATS_TEST_TMPDIR/known new
	for ((n = 0; n <= ${#STEPS_PATCHES[@]}; n++)); do
		steps_at "$n"
		steps_configure "$n"
		steps_make "$log" bzImage modules
		run ! grep 'warning:' "$log"
		tell "$(steps_name "$n"): builds and links"

		steps_check_sources "$n" "$log"
		if ((n == 0)); then
			steps_warnings "$log" >"$known"
			continue
		fi
		new=$(steps_warnings "$log" | LC_ALL=C comm -13 "$known" -)
		printf '%s' "${new:+$(steps_name "$n"): $new}"
		[ -z "$new" ]
	done
}

@test "the series' README explains every message of checkpatch --strict" {
	local said glob found
	steps_at "${#STEPS_PATCHES[@]}"
	said=$(checkpatch_says)
	run grep -E 'Traceback|ended with status|: ERROR:' "$BATS_TEST_TMPDIR/checkpatch"
	printf '%s' "$output"
	[ "$status" = 1 ]
	# remove the explained messages: nothing is left, and each explanation removes one
	while read -r glob; do
		found=
		while read -r line; do
			# shellcheck disable=SC2053 # a pattern
			[[ $line != $glob ]] || found=1
		done <<<"$said"
		[ -n "$found" ] || {
			echo "the README explains what checkpatch does not say: $glob"
			return 1
		}
		said=$(while read -r line; do
			# shellcheck disable=SC2053 # a pattern
			[[ $line == $glob ]] || printf '%s\n' "$line"
		done <<<"$said")
	done < <(explained)
	printf '%s' "${said:+not explained: $said}"
	[ -z "$said" ]
}

@test "the series adds no warning of kernel-doc" {
	local file n=${#STEPS_PATCHES[@]} new
	for ((; n >= 0; n -= ${#STEPS_PATCHES[@]})); do
		steps_at "$n"
		series_touched "$KERNEL_SERIES" | while read -r file; do
			[[ $file != *.[ch] || ! -f $STEPS_TREE/$file ]] ||
				(cd "$STEPS_TREE" && scripts/kernel-doc -none -Wall "$file" 2>&1)
		done | sed 's/:[0-9]\+:\? / /' | LC_ALL=C sort -u >"$BATS_TEST_TMPDIR/doc.$n"
	done
	new=$(LC_ALL=C comm -13 "$BATS_TEST_TMPDIR/doc.0" "$BATS_TEST_TMPDIR/doc.${#STEPS_PATCHES[@]}")
	steps_at "${#STEPS_PATCHES[@]}"
	printf '%s\n' "$new"
	[ -z "$new" ]
}

@test "the documentation builds without a message about files of the series" {
	local page folders log=$BATS_TEST_TMPDIR/log
	steps_at "${#STEPS_PATCHES[@]}"
	folders=$(series_touched "$KERNEL_SERIES" | sed -n 's|^Documentation/\(.*\)/[^/]*\.rst$|\1|p' | LC_ALL=C sort -u | xargs)
	# each folder of documentation builds alone, so references to other folders lead nowhere
	steps_make "$log" SPHINXDIRS="$folders" htmldocs
	tell "made: $folders"
	grep -vE 'undefined label|unknown document' "$log" >"$log.said" || true
	series_touched "$KERNEL_SERIES" | while read -r page; do
		! grep -F -- "/$page:" "$log.said" || exit 1
	done
	page=$STEPS_OBJ/Documentation/output/core-api/kho/dma.html
	grep -q 'id="c.dma_preserve_allocation_attrs"' "$page"
	grep -q 'id="c.dma_set_preservable"' "$page"
	grep -q 'href="dma.html"' "${page%/*}/index.html"
}
