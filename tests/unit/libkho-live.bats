#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Running machines that are made of files: what kho-inspect can tell, and how it
# holds itself when the machine moves.

bats_require_minimum_version 1.5.0

setup() {
	: "${KHO_BUILDDIR:?set KHO_BUILDDIR to the build folder}"
	inspect=$KHO_BUILDDIR/tools/kho-inspect/kho-inspect
	root=$BATS_TEST_TMPDIR/root
	mkdir "$root"
	# the machine that it makes stays
	"$KHO_BUILDDIR/tests/unit/test-live" "$BATS_TEST_DIRNAME/../fixtures/v4-outgoing.khosnap" "$root"
}

@test "what is found while the state changes is looked at again" {
	[ -s "$root/proc/kcore" ] # setup has run the test
}

@test "content that cannot be read on a running machine is not judged, and does not pass" {
	run -1 "$inspect" verify --sysroot "$root"
	[ "$(grep -c '^error *K413 *not judged' <<<"$output")" -ge 3 ]
}

@test "scratch is called bootmem since Linux 7.4" {
	"$inspect" scratch --sysroot "$root" >"$BATS_TEST_TMPDIR/scratch"
	grep -q 'kho_scratch=' "$BATS_TEST_TMPDIR/scratch"
	mv "$root/sys/kernel/debug/kho/out/scratch_phys" "$root/sys/kernel/debug/kho/out/bootmem_phys"
	mv "$root/sys/kernel/debug/kho/out/scratch_len" "$root/sys/kernel/debug/kho/out/bootmem_len"
	diff <(sed 's/kho_scratch=/kho_bootmem=/' "$BATS_TEST_TMPDIR/scratch") \
		<("$inspect" scratch --sysroot "$root")
}

@test "K510: expected state did not come" {
	run -1 "$inspect" verify --in --expect=5,9 --sysroot "$root"
	[[ $output == *"fatal    K510  5 records of generation 9 were expected"* ]]
}

@test "K510 is not judged where the kernel shows nothing of KHO" {
	rm -r "$root/sys/kernel/debug/kho"
	run -1 "$inspect" verify --in --expect=5,9 --sysroot "$root"
	[[ $output == *"K510  not judged"* ]]
}

@test "a snapshot of it is like the one that it was made from" {
	run -0 "$inspect" snapshot --sysroot "$root" -o "$BATS_TEST_TMPDIR/snapshot"
	# the machine's record was damaged in the end
	diff <("$inspect" ranges --core "$BATS_TEST_TMPDIR/snapshot") \
		<("$inspect" ranges --core "$BATS_TEST_DIRNAME/../fixtures/v4-outgoing.khosnap")
	diff <("$inspect" scratch --core "$BATS_TEST_TMPDIR/snapshot") \
		<("$inspect" scratch --core "$BATS_TEST_DIRNAME/../fixtures/v4-outgoing.khosnap")
}
