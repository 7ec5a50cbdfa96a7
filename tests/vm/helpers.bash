# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Helpers for the tests in virtual machines.

# shellcheck source=lab/vm.bash
. "$BATS_TEST_DIRNAME/../../lab/vm.bash"

setup() {
	: "${VM_KERNEL:?run these tests with scripts/test vm, or arm64}"
}

teardown() {
	[[ ${BATS_TEST_COMPLETED:-} ]] || vm_fail "the test failed" || true
	vm_stop
}

# shellcheck disable=SC2034 # for the tests: the rules about scratch, which a dump does not have
SCRATCH_RULES=K201,K202,K203,K204,K205,K414

# Fails if the console has a message that a handover must not cause.
no_splat() {
	console_lacks 'WARNING: |BUG: |Bad page state|Oops|Kernel panic'
}

# console_lacks REGEX: fails if a line of the console matches.
console_lacks() {
	if vm_console | grep -E -- "$1"; then
		vm_fail "should not be on the console: $1"
	fi
}

# kexec_to PATH_OPTION...: loads the same kernel with the state, and jumps to it.
kexec_to() {
	vm_ok kexec -l "$@" --kho=require "/boot/${VM_KERNEL##*/}" --reuse-cmdline
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 1 ]
	vm_kexec
}

# Prints the address of the kernel in this boot.
kernel_address() {
	vm_run 'cat /proc/iomem' | sed -n 's/^ *\([0-9a-f]*\)-.*: Kernel code$/\1/p'
}

# Prints "ID DEVICE DMA-ADDRESS SIZE" of kho-inspect list [OPTION]....
records() {
	vm_run kho-inspect list --bytes "$@" | awk '$2 ~ /^pci:/ { print $1, $2, $5, $6 }' | sort -n
}

# Checks that the driver restored all its buffers of the previous generation, at the addresses in $1.
expect_restored() {
	local before=$1
	vm_ok modprobe kho_edu
	vm_run 'dmesg' | grep -q 'restored 5 of 5 buffers at the same DMA addresses, content intact, and freed them'
	vm_run 'dmesg' | grep -q 'device DMA into restored buffer'
	[ "$(records --in)" = "$before" ]
	[ "$(vm_run kho-inspect list --in | grep -c ', restored$')" = 5 ]
	vm_ok kho-inspect verify --in --claims
	vm_ok kho-inspect verify
}

# hops PATH_OPTION...: jumps by each path in turn. After each jump the sample driver restores all its buffers.
hops() {
	local before path
	for path in "$@"; do
		before=$(records)
		[ "$(wc -l <<<"$before")" = 5 ]
		kexec_to "$path"
		expect_restored "$before"
	done
}

# Prepares failslab and fail_page_alloc for every allocation, without messages in the log.
let_allocations_fail() {
	vm_ok 'cd /sys/kernel/debug || exit
		echo N >failslab/ignore-gfp-wait && echo 0 >failslab/verbose &&
		echo N >fail_page_alloc/ignore-gfp-wait && echo 0 >fail_page_alloc/min-order &&
		echo 0 >fail_page_alloc/verbose'
}

# edu_damaged DAMAGE: loads the sample driver, and damages its first record that is not damaged yet, or its buffer.
# shellcheck disable=SC2016 # for the shell in there
edu_damaged() {
	vm_ok modprobe kho_edu
	vm_ok 'modprobe kho_damage damage='"$1"' record=$(awk '"'"'$6 == "kho_edu" && $9 == "-" { print $10; exit }'"'"' /sys/kernel/debug/kho/out/dma_alloc)'
}

# edu_cookies: prints parameters for the sample driver to claim buffers that a kernel without it
# carried over: their ids and sizes.
# shellcheck disable=SC2016 # for the shell in there
edu_cookies() {
	vm_run 'awk '"'"'$9 == "unclaimed" && $6 == "kho_edu" { ids = ids "," $1; sizes = sizes "," $3 }
		END { print "cookies=" substr(ids, 2) " sizes=" substr(sizes, 2) }'"'"' /sys/kernel/debug/kho/in/dma_alloc'
}

# Sets KTAP, the lines of KUnit suites in the kernel's log, without time stamps.
ktap() {
	KTAP=$(vm_run dmesg | sed 's/^\[ *[0-9.]*\] //')
}

# kunit_suite ADDRESS: loads the suite, which runs it, and sets KTAP. At ADDRESS is memory that the kernel does not manage.
kunit_suite() {
	let_allocations_fail
	VM_RUN_TIMEOUT=300 vm_ok modprobe dma_liveupdate_kunit "coherent_pool=$1"
	ktap
}

# Unloads the suite, and checks that nothing of it stays for the next kernel.
kunit_leaves_nothing() {
	local listed
	vm_ok rmmod dma_liveupdate_kunit
	listed=$(vm_run kho-inspect list) || return
	[ "$listed" = "No outgoing DMA allocations." ] || vm_fail "the suite left allocations: $listed" || return
	vm_ok kho-inspect verify --fail-on=warning
}

# expect_log LINE: fails with the errors of the suite unless KTAP has exactly this line.
expect_log() {
	grep -qFx -- "$1" <<<"$KTAP" || {
		grep -E '^ *(not ok|# .*(ERROR|EXPECTATION|ASSERTION))|^# dma_live' <<<"$KTAP" >&2
		vm_fail "not in the log: $1"
	}
}
