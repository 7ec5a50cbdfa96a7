#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The list takes as many allocations as the documentation says, in every kernel of a chain.

bats_require_minimum_version 1.5.0
load ../vm/helpers

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
LIMIT=310000
export VM_RUN_TIMEOUT=600 VM_BOOT_TIMEOUT=300

setup_file() {
	build_module "$BATS_FILE_TMPDIR/module"
	mkdir "$BATS_FILE_TMPDIR/files"
	cp "$BATS_FILE_TMPDIR/module/kho_many.ko" "$BATS_FILE_TMPDIR/files/"
}

build_module() (
	# shellcheck source=lab/common.bash
	. "$TOP/lab/common.bash"
	# shellcheck source=lab/fetch.bash
	. "$TOP/lab/fetch.bash"
	# shellcheck source=lab/kernel.bash
	. "$TOP/lab/kernel.bash"
	# shellcheck disable=SC2119 # without more
	kernel_build >&2
	kernel_module_build "$TOP/lab/kho_many" "$1" >&2
)

# fill ARGUMENT...: preserves one more than the limit, which is refused: -ENOSPC.
fill() {
	vm_files
	run ! vm_run "insmod /tmp/kho_many.ko count=$((LIMIT + 1)) $*"
	vm_run dmesg >"$BATS_TEST_TMPDIR/dmesg"
	grep -F "kho_many: -28 before all of $((LIMIT + 1)) were preserved" "$BATS_TEST_TMPDIR/dmesg"
}

@test "310,000 allocations are preserved, restored and preserved again in each of three kernels" {
	local generation first=1
	vm_start --mem 4G --no-edu --append "kho=on" --files "$BATS_FILE_TMPDIR/files"
	fill
	grep -F "restored 0, preserved $LIMIT from cookie $first on" "$BATS_TEST_TMPDIR/dmesg"
	for generation in 2 3; do
		kexec_to -s
		# the list that came in, and that nobody has claimed, leaves no room for another one
		[ "$(vm_run kho-inspect show --json | jq .dma.records)" = "$LIMIT" ]
		fill "restore=$LIMIT first=$first"
		first=$((first + LIMIT))
		grep -F "restored $LIMIT, preserved $LIMIT from cookie $first on" "$BATS_TEST_TMPDIR/dmesg"
		echo "# generation $generation" >&3
	done
	vm_ok kho-inspect verify
	no_splat
}
