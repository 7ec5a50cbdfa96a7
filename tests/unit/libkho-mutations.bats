#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Random changes of recorded snapshots and of a kernel image: nothing crashes,
# hangs or reads out of bounds. KHO_MUTATIONS=100000 for a long run.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	printf 'const char a[] = "Linux version 9.9.9", b[] = "kho-v4", c[] = "luo-v5";\n' >strings.c
	"${CC:-gcc}" -c -o kernel strings.c
}

# mutate FIXTURE
mutate() {
	timeout "$((${KHO_MUTATIONS:-300} / 5 + 60))" "$KHO_BUILDDIR/tests/unit/test-mutations" \
		"$fixtures/$1.khosnap" kernel "${KHO_MUTATIONS:-300}"
}

@test "an outgoing state with random changes" {
	mutate v4-outgoing
}

@test "an incoming state with random changes, unclaimed and claimed" {
	mutate v4-incoming-unclaimed
	mutate v4-incoming-claimed
}

@test "states of other kernels with random changes" {
	mutate v1-outgoing
	mutate v3-outgoing
	mutate v4-stock-outgoing
}

@test "live update sessions with random changes" {
	mutate v3-incoming
	mutate v4-stock-incoming
}
