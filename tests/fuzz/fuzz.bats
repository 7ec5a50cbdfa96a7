#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A short run of each fuzzer: all inputs that exist, and KHO_FUZZ_SECONDS (10) of CPU time in all, one a
# processor. scripts/fuzz makes long runs.

bats_require_minimum_version 1.5.0

setup_file() {
	local top=$BATS_TEST_DIRNAME/../..
	export fuzz=$top/scripts/fuzz table=$BATS_FILE_TMPDIR/table
	export corpus=${KHO_FUZZ_CORPUS:-${KHO_BUILD:-$top/build}/fuzz/corpus}
	# each test judges its own line
	"$fuzz" --jobs="$(nproc)" all "${KHO_FUZZ_SECONDS:-10}" >"$table" 2>"$table.errors" 3>&- || :
}

# Checks the line of a fuzzer: it ran all of its corpus, reached code, and found nothing.
found_nothing() {
	local name runs edges found _
	read -r name runs edges _ _ found < <(grep "^$1 " "$table") || cat "$table.errors"
	echo "$name: $runs executions, $edges edges, found: $found"
	grep "^$1: " "$table.errors" || :
	[ "$found" = none ]
	[ "$runs" -gt 100 ]
	# the files that it added took a run each
	[ "$runs" -ge "$(find "$corpus/$1" -type f | wc -l)" ]
	[ "$edges" -gt 50 ]
}

@test "root FDT" {
	found_nothing root
}

@test "map of kho-v1" {
	found_nothing map-v1
}

@test "map of kho-v3 and later" {
	found_nothing map-radix
}

@test "subtree memblock" {
	found_nothing memblock
}

@test "subtree LUO, with its sessions, files and memfds" {
	found_nothing luo
}

@test "subtree dma-alloc" {
	found_nothing dma-alloc
}

@test "subtree kexec-metadata" {
	found_nothing kexec-metadata
}

@test "subtree kho_test" {
	found_nothing kho-test
}

@test "unknown subtrees" {
	found_nothing raw
}

@test "snapshots" {
	found_nothing snapshot
}

@test "target images" {
	found_nothing target
}

@test "root FDT with a sound header" {
	found_nothing root-mended
}

@test "subtree dma-alloc with right checksums" {
	found_nothing dma-alloc-mended
}

@test "every command of kho-inspect" {
	found_nothing inspect
}

@test "running machines" {
	found_nothing sysroot
}

@test "the boot check, its report and check-target" {
	found_nothing boot
}

@test "the note of a load" {
	found_nothing note
}

@test "packed kernels" {
	found_nothing decompress
}

@test "a vmlinux" {
	found_nothing vmlinux
}

@test "command lines and promises" {
	found_nothing text
}

@test "compressed dumps" {
	found_nothing kdump
}

@test "files that are written" {
	found_nothing output
}

@test "every fuzzer has a test here" {
	diff <(sed -n 's|^\ttests/fuzz/fuzz-\([a-z0-9-]*\).*|\1|p' "$BATS_TEST_DIRNAME/fuzz.mk" | sort) \
		<(sed -n 's/^\tfound_nothing \([a-z0-9-]*\)$/\1/p' "$BATS_TEST_FILENAME" | sort)
}

@test "a finding fails the run, and the fuzzer keeps its input" {
	# the fuzzer itself has a buffer of 4 MiB; to unpack a kernel takes more memory than this
	export KHO_FUZZ_OPTIONS=-malloc_limit_mb=5 KHO_FUZZ_FINDS=$BATS_TEST_TMPDIR/finds
	run -1 "$fuzz" --replay target
	[[ $output == *"FOUND"* && $output == *"target: "*"out-of-memory"* ]]
	[[ $output == *"target: the input; unpack it with base64 -d | gunzip"* ]]
	[ -n "$(ls "$KHO_FUZZ_FINDS")" ]
}
