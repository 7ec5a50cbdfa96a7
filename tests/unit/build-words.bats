#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Language, as far as a script can judge it.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

TURNS=tests/unit/forbidden-turns.txt

setup() {
	needs_checkout
	cd "$top" || return
}

# Prints lines of tracked files with a forbidden turn, as FILE:NUMBER:LINE.
forbidden() {
	local pattern path text hits=$BATS_TEST_TMPDIR/hits
	local -a patterns=()
	while read -r pattern; do
		patterns+=(-e "$pattern")
	done < <(grep -vE '^(#|except )' "$TURNS")
	git grep -InP "${patterns[@]}" -- . ":!$TURNS" ':!LICENSES' >"$hits" || (($? == 1)) || return
	while IFS=: read -r path text; do
		awk -v path="$path" -v text="${text# }" \
			'index($0, path ":") != 1 || !index($0, text)' "$hits" >"$hits.new"
		mv "$hits.new" "$hits"
	done < <(sed -n 's/^except //p' "$TURNS")
	cat "$hits"
}

@test "no file has a forbidden turn" {
	local found
	found=$(forbidden)
	[[ -z $found ]] || { echo "$found"; false; }
}

@test "every exception of the list is needed" {
	local path text
	while IFS=: read -r path text; do
		grep -qF -- "${text# }" "$path"
	done < <(sed -n 's/^except //p' "$TURNS")
}

@test "no line of a message is longer than 200 characters" {
	# shellcheck disable=SC2016 # Perl, not shell
	git ls-files 'libkho/*.[ch]' 'tools/*.[ch]' 'kexec/*.[ch]' | xargs perl -0777 -ne '
		s{/\*.*?\*/}{}gs;
		while (/((?:"(?:\\.|[^"\\\n])*"\s*(?:PRI\w+\s*)?)+)/g) {
			my $text = join "", $1 =~ /"((?:\\.|[^"\\\n])*)"/g;
			for (split /\\n/, $text) {
				if (length > 200) { print "$ARGV: $_\n"; $bad = 1 }
			}
		}
		END { exit $bad // 0 }'
}
