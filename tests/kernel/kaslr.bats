#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The patch of KASLR: chains of kernels with the scratch table outside of setup_data, 16 MiB into
# 80 MiB of scratch, where the decompressor may put the kernel.

bats_require_minimum_version 1.5.0
load ../vm/helpers

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

setup_file() {
	local files=$BATS_FILE_TMPDIR/files
	mkdir "$files"
	build_without_patch "$files/without"
	gcc -std=c11 -Wall -Wextra -Werror -O2 -shared -fPIC -o "$files/apart.so" "$TOP/lab/kexec-table-apart.c"
}

# build_without_patch FILE: builds the same kernel without that patch.
build_without_patch() (
	# shellcheck source=lab/common.bash
	. "$TOP/lab/common.bash"
	# shellcheck source=lab/fetch.bash
	. "$TOP/lab/fetch.bash"
	# shellcheck source=lab/kernel.bash
	. "$TOP/lab/kernel.bash"
	local patch=x86-kaslr-keep-clear-of-the-KHO-scratch-table.patch
	cp -r "$KERNEL_SERIES" "$BATS_FILE_TMPDIR/series"
	KERNEL_SERIES=$BATS_FILE_TMPDIR/series
	[ "$(grep -c -- "-$patch$" "$KERNEL_SERIES/series")" = 1 ]
	sed -i "/-$patch$/d" "$KERNEL_SERIES/series"
	# shellcheck disable=SC2119 # without more
	kernel_build >&2
	cp "$KERNEL_DIR/bzImage" "$1"
)

chain_start() {
	vm_start --append "kho=on kho_scratch=80M,0,0" --files "$BATS_FILE_TMPDIR/files"
	vm_ok modprobe kho_edu
	records >"$BATS_TEST_TMPDIR/records"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/records")" = 5 ]
}

# load_apart IMAGE: loads the next kernel with the table in a segment of its own.
load_apart() {
	vm_files
	run -0 vm_ok "LD_PRELOAD=/tmp/apart.so kexec -l -c -i --kho=require $1 --reuse-cmdline"
	[[ $output == *"the scratch table is at 0x"* ]]
}

# True if the loaded kernel boots with the state.
jump_arrives() {
	vm_kexec >"$BATS_TEST_TMPDIR/jump" 2>&1 &&
		[ "$(records --in)" = "$(<"$BATS_TEST_TMPDIR/records")" ]
}

# True if the next kernel died: since the mark the console has none of its messages, which otherwise
# appear within two seconds, or has its own message that it cannot go on. A slow kernel is not dead.
jump_was_the_end() {
	vm_console | grep -q 'Starting new kernel' || return
	! vm_console | grep -q 'Linux version' ||
		vm_console | grep -E 'Kernel panic|Oops|BUG: |KHO: .*(fail|invalid|disabl)'
}

@test "with the patch, thirty kernels in a row keep all state" {
	local n
	local -A addresses=()
	chain_start
	for ((n = 1; n <= 30; n++)); do
		load_apart /boot/bzImage
		jump_arrives
		addresses[$(kernel_address)]=1
	done
	# the kernel did not always have the same place
	((${#addresses[@]} >= 5))
	vm_ok "modprobe kho_edu $(edu_cookies)"
	vm_run dmesg | grep -q 'restored 5 of 5 buffers that earlier kernels carried over'
	no_splat
}

@test "without the patch, the chain dies" {
	local n
	chain_start
	for ((n = 1; n <= 30; n++)); do
		load_apart /tmp/without
		vm_mark
		if ! jump_arrives; then
			jump_was_the_end
			echo "# died at hop $n" >&3
			return 0
		fi
	done
	echo "it is still there: KASLR keeps clear of the table without the patch, or the table is not apart"
	return 1
}
