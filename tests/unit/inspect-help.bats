#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The four places that document kho-inspect agree.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

commands_of_help() {
	"$inspect" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' | sort
}

# options_of_command COMMAND: prints the options in its help.
options_of_command() {
	"$inspect" "$1" --help | grep -oE '^ +(-[a-zA-Z], )?--[a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+'
}

options_of_help() {
	for command in $(commands_of_help); do
		options_of_command "$command"
	done | sort -u
}

# complete_words WORD...: prints the completions that bash offers for the last word.
complete_words() {
	PATH=$KHO_BUILDDIR/tools/kho-inspect:$PATH bash -c '
		. "$1"
		shift
		compopt() { :; }
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		_kho_inspect
		printf "%s\n" "${COMPREPLY[@]}"' _ "$top/tools/kho-inspect/completion/kho-inspect" "$@"
}

@test "help goes to stdout with status 0, for every command too" {
	run -0 --separate-stderr "$inspect" --help
	# shellcheck disable=SC2154 # run sets it
	[ -z "$stderr" ]
	[ "$(wc -l <<<"$output")" -le 25 ]
	[ "$(commands_of_help | wc -l)" -ge 9 ]
	for command in $(commands_of_help); do
		run -0 "$inspect" "$command" --help
		[[ $output == "Usage: kho-inspect $command"* ]]
	done
}

@test "man page, completion and help have the same commands" {
	diff <(commands_of_help) \
		<(sed -n '/^\.Sh COMMANDS/,/^\.Sh OPTIONS/s/^\.It Cm \([a-z-]*\).*/\1/p' "$top/man/kho-inspect.1" | sort)
	diff <(commands_of_help) <(complete_words kho-inspect "" | grep -v '^--' | sort)
	[ "$(complete_words kho-inspect sn)" = snapshot ]
}

@test "man page, completion and help have the same options" {
	diff <(options_of_help) \
		<(sed -n '/^\.Sh OPTIONS/,/^\.Sh ENVIRONMENT/{ s/\\-/-/g; s/^\.It .*Fl -\([a-z0-9-]*\).*/--\1/p; }' "$top/man/kho-inspect.1" | sort -u)
	for command in verify map boot-check; do
		diff <(options_of_command "$command" | sort) \
			<(complete_words kho-inspect "$command" -- | tr -d = | sort)
	done
}

@test "completion knows the values of an option" {
	[ "$(complete_words kho-inspect verify --fail-on = w)" = warning ]
	[ "$(complete_words kho-inspect map --v1-bitmap = "" | tr '\n' ' ')" = "512 page " ]
	cd "$BATS_TEST_TMPDIR"
	mkdir folder
	touch file
	[ "$(complete_words kho-inspect map -o f | sort | tr '\n' ' ')" = "file folder " ]
	[ "$(complete_words kho-inspect list --sysroot = f)" = folder ]
	[ "$(complete_words kho-inspect check-target "fi")" = file ]
}

@test "kho-rules(7) has each rule of the library, with its severity and sentence" {
	diff <(sed -nE 's/^KHO_RULE\(([0-9]+), [A-Z]+, ([A-Z]+), "(.*)"\)$/K\1 (\L\2\E): \3/p' \
		"$top/libkho/kho_rules.def") \
		<(sed -n 's/^\.Ss //; T; s/\\&//; p' "$top/man/kho-rules.7")
	[ "$(grep -c '^\.Ss K' "$top/man/kho-rules.7")" -ge 35 ]
}

@test "mandoc finds nothing in the man pages" {
	for page in "$top"/man/*.[1-8]; do
		case $page in
		*/kho-boot.7) continue ;; # written with the macros of dracut's own pages
		esac
		run -0 mandoc -Tlint -W warning "$page"
		[ -z "$output" ]
	done
}

@test "mandoc and groff show the same text of the man pages, and all of it" {
	/usr/bin/python3 - "$top/libkho/kho_rules.def" "$top"/man/*.[1-8] <<-'END'
		import re, subprocess, sys
		def render(*command):
		    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
		    # a bullet is an asterisk since groff 1.24, and an o elsewhere
		    text = re.sub(r"^( *)[o*] ", r"\1* ", re.sub(".\b", "", text), flags=re.M)
		    lines = [line for line in text.split("\n") if line.strip()]
		    # without header and footer; dash of the title and quotes differ in style
		    return " ".join(" ".join(lines[1:-1]).split()).replace("`", "'").replace(" -- ", " - ").replace('"', "")
		rules = re.findall(r'^KHO_RULE\((\d+), \w+, (\w+),\s*"(.*)"\)', open(sys.argv[1]).read(), re.M)
		assert len(rules) > 50
		for page in sys.argv[2:]:
		    by_mandoc = render("mandoc", "-Tascii", "-Owidth=500", page)
		    by_groff = render("groff", "-mandoc", "-Tascii", "-P-c", "-rLL=500n", page)
		    # groff hyphenates words at the end of a line
		    assert re.sub("[- ]", "", by_mandoc) == re.sub("[- ]", "", by_groff), page
		    # a line of text that begins like a macro loses its first word
		    assert not re.search(r"-[a-z]+ -[a-z]+ -[a-z]+ -[a-z]+ ", by_mandoc), page
		    for number, severity, sentence in rules if page.endswith("/kho-rules.7") else ():
		        heading = "K%s (%s): %s" % (number, severity.lower(), sentence.replace('"', ""))
		        assert heading in by_mandoc, heading
	END
}

@test "the example of libkho(3) compiles and lists a snapshot's records" {
	mandoc -Tascii "$top/man/libkho.3" >/dev/null
	sed -n '/^\.Bd -literal/,/^\.Ed/{//!p}' "$top/man/libkho.3" | sed 's/\\e/\\/g' >"$BATS_TEST_TMPDIR/list.c"
	# built with the library's flags, including sanitizers
	local flags
	flags=$(sed -n 's/^KHO_CFLAGS = //p' "$KHO_BUILDDIR/Makefile")
	# shellcheck disable=SC2086 # words
	gcc $flags -I "$top/libkho" "$BATS_TEST_TMPDIR/list.c" -o "$BATS_TEST_TMPDIR/list" \
		-L "$KHO_BUILDDIR/libkho/.libs" -lkho
	run -0 env LD_LIBRARY_PATH="$KHO_BUILDDIR/libkho/.libs" "$BATS_TEST_TMPDIR/list" \
		"$top/tests/fixtures/v4-outgoing.khosnap"
	[ "${#lines[@]}" = 5 ]
	[[ ${lines[0]} == "1 pci:0000:"* ]]
}
