#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Output of the programs: text, documents and files.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

@test "text is UTF-8 without control characters, and keeps all information" {
	"$KHO_BUILDDIR/tests/unit/test-text"
}

@test "the JSON writer writes the given values, and refuses misuse" {
	"$KHO_BUILDDIR/tests/unit/test-json" >"$BATS_TEST_TMPDIR/documents"
	/usr/bin/python3 - "$BATS_TEST_TMPDIR/documents" <<-'END'
		import json, sys
		lines = open(sys.argv[1], encoding="utf-8").read().split("\n")
		decoder, n = json.JSONDecoder(), 0
		text = "\n".join(lines)
		while text.strip():
		    expected, text = text.split("\n", 1)
		    found, end = decoder.raw_decode(text)
		    assert found == eval(expected), (found, expected)
		    text, n = text[end + 1:], n + 1
		assert n == 3, n
	END
}

@test "the writer replaces a file completely or not at all, follows links, and writes to devices" {
	mkdir "$BATS_TEST_TMPDIR/folder"
	"$KHO_BUILDDIR/tests/unit/test-output" "$BATS_TEST_TMPDIR/folder"
}
