#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel's own tests of KHO and of live update, from the sources to which the series applies,
# on the kernel with the series.

bats_require_minimum_version 1.5.0
load ../vm/helpers
load checking

SELFTESTS=/usr/lib/kselftests

# liveupdate_pair NAME...: runs both stages of these tests, with a kexec between them.
liveupdate_pair() {
	local name
	vm_start --mem 3G --append "$KHO_ON liveupdate=on"
	for name; do
		vm_ok "$SELFTESTS/$name -s 1"
	done
	kexec_to -s
	for name; do
		vm_run "$SELFTESTS/$name -s 2" >"$BATS_TEST_TMPDIR/$name" || {
			cat "$BATS_TEST_TMPDIR/$name"
			return 1
		}
		grep 'TEST PASSED' "$BATS_TEST_TMPDIR/$name"
	done
	clean
}

@test "lib/test_kho.c: its data arrives in the next kernel" {
	vm_start --mem 3G --append "$KHO_ON"
	vm_run 'cat /proc/config.gz | gunzip' | grep -qx CONFIG_TEST_KEXEC_HANDOVER=y
	# a driver preserves memory too
	vm_ok modprobe kho_edu
	kexec_to -s
	vm_run dmesg | grep -q 'KHO restore succeeded'
	run ! vm_expect_console 'KHO restore failed'
	vm_ok modprobe kho_edu
	clean
}

@test "selftests/kho: its init jumps into the same kernel, which finds the data" {
	local root=$BATS_TEST_TMPDIR/initrd
	mkdir -p "$root"/{dev,proc,debugfs}
	# like vmtest.sh, but with the kernel of this test
	cp "$KHO_SELFTEST_INIT" "$root/init"
	cp "$VM_KERNEL" "$root/kernel"
	mknod "$root/dev/console" c 5 1
	(cd "$root" && find . | cpio -o -H newc --quiet) >"$BATS_TEST_TMPDIR/initrd.cpio"
	vm_start --mem 3G --no-wait --append "$KHO_ON" --qemu "-initrd $BATS_TEST_TMPDIR/initrd.cpio"
	vm_wait_console 'KHO restore succeeded' 300
	no_splat_but_the_end
}

# That init ends in the second kernel, because no third one follows.
no_splat_but_the_end() {
	run ! vm_expect_console 'KASAN:|WARNING: |Bad page'
}

# selftest_dma ARGUMENT...: runs the selftest: all cases pass, or say why they are skipped.
selftest_dma() {
	local skipped=$1
	shift
	vm_run "$SELFTESTS/kho/dma/dma_alloc.sh $*" >"$BATS_TEST_TMPDIR/tap" || {
		cat "$BATS_TEST_TMPDIR/tap"
		return 1
	}
	grep -E "^# Totals: pass:[1-9][0-9]* fail:0 xfail:0 xpass:0 skip:$skipped error:0" "$BATS_TEST_TMPDIR/tap"
}

@test "selftests/kho/dma, which comes with the series" {
	vm_start --mem 3G --append "$KHO_ON"
	# without incoming state, these cases are skipped: permissions of its table, refused releases
	selftest_dma 2
	selftest_dma 0 --stage 1 /run/records
	vm_run cat /run/records >"$BATS_TEST_TMPDIR/records"
	kexec_to -s
	vm_ok "echo '$(cat "$BATS_TEST_TMPDIR/records")' >/run/records"
	selftest_dma 0 --stage 2 /run/records
	selftest_dma 0
	clean
}

@test "selftests/liveupdate: what needs no kexec" {
	vm_start --mem 3G --append "$KHO_ON liveupdate=on"
	vm_run "$SELFTESTS/liveupdate" >"$BATS_TEST_TMPDIR/tap" || {
		grep -v '^ok' "$BATS_TEST_TMPDIR/tap"
		return 1
	}
	# all announced cases ran, and none was skipped
	grep -E '^# Totals: pass:[1-9][0-9]* fail:0 xfail:0 xpass:0 skip:0 error:0$' "$BATS_TEST_TMPDIR/tap"
	clean
}

@test "selftests/liveupdate: sessions and memfds arrive in the next kernel" {
	liveupdate_pair luo_kexec_simple luo_multi_session
}

@test "selftests/liveupdate: 500 files and 2,000 sessions arrive in the next kernel" {
	liveupdate_pair luo_stress_files luo_stress_sessions
}
