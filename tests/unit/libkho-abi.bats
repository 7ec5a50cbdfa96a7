#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What the library believes about formats, against where they are defined.

bats_require_minimum_version 1.5.0

setup() {
	: "${KHO_BUILDDIR:?set KHO_BUILDDIR to the build folder}"
}

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
		<(grep -oE '^\skho_[a-z0-9_]+;' "$BATS_TEST_DIRNAME/../../libkho/libkho.map" |
			tr -d '\t;' | sort -u)
	diff <(nm -D --defined-only "$KHO_BUILDDIR/libkho/.libs/libkho.so" |
		sed -n 's/.* T \([a-z_0-9]*\)@@.*/\1/p' | sort -u) \
		<(grep -oE '^\skho_[a-z0-9_]+;' "$BATS_TEST_DIRNAME/../../libkho/libkho.map" |
			tr -d '\t;' | sort -u)
}

@test "a program in C++ can include the header" {
	command -v g++ >/dev/null || skip "no C++ compiler"
	printf '#include <%s>\n' kho.h kho_output.h | g++ -Wall -Werror -fsyntax-only -I "$BATS_TEST_DIRNAME/../../libkho" -x c++ -
}
