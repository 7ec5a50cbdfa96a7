# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For the tests of a network card that receives during a kexec, on any architecture.

# shellcheck source=tests/vm/helpers.bash
. "${BASH_SOURCE[0]%/*}/helpers.bash"
# shellcheck source=lab/live.bash
. "${BASH_SOURCE[0]%/*}/../../lab/live.bash"

setup() {
	LIVE_DIR=$BATS_TEST_TMPDIR
}

teardown() {
	[[ ${BATS_TEST_COMPLETED:-} ]] || vm_fail "the test failed" || true
	touch "$LIVE_DIR/stop"
	vm_stop
}

# Checks that all numbers from $1 on arrived, once and in order. Prints the next number.
expect_all() {
	local next=$1 report=$2
	[[ $report == "first=$next "*" duplicates=0 missing=0 unordered=0" ]] ||
		vm_fail "expected all from number $next on: $report" || return
	printf '%d\n' $(($(live_field last "$report") + 1))
}

# kept_mastering SLOT COUNT: checks that no write to the command register after the first COUNT turned mastering off.
kept_mastering() {
	local command n=0
	for command in $(nic_commands "$1" "$2"); do
		((command & 4)) || vm_fail "$1: write $n after the load sets the command register to $command" || return
		n=$((n + 1))
	done
	((n)) || vm_fail "$1: nobody has written to the command register, not even to size the BARs"
}

# nic_generations PATH...: jumps once for each path, and checks that no number is lost. NIC_BRIDGE is the
# bridge above the card, if there is one. At least the packets of a second have to land without a driver, and the sender
# must not wait for a boot.
nic_generations() {
	local path slot next=0 count sent
	local -A written
	nic_up
	sender_start 50
	nic_flows
	for path; do
		[ "$(vm_run kho-inspect list | grep -c "^ *[0-9]* *pci:$NIC_SLOT .* kept  *live$")" = 2 ]
		vm_ok kexec -l "$path" --kho=require "/boot/${VM_KERNEL##*/}" --reuse-cmdline
		next=$(expect_all "$next" "$(nic_quiet)")
		for slot in "$NIC_SLOT" ${NIC_BRIDGE:-}; do
			[ "$(vm_run cat "/sys/bus/pci/devices/$slot/kexec_keep_master")" = 1 ]
			written[$slot]=$(nic_commands "$slot" | wc -l)
		done
		vm_mark
		vm_kexec
		vm_expect_console 'kexec: KHO: eth0 stays up'
		vm_files
		# mastering is on before a driver is loaded, which sets it in any case (pci_enable_bridge() that of
		# the bridge)
		for slot in "$NIC_SLOT" ${NIC_BRIDGE:-}; do
			[ "$(nic_masters "$slot")" = 1 ]
		done
		nic_up
		# and it was on all the time, from the shutdown of the old kernel to the probe of the driver
		for slot in "$NIC_SLOT" ${NIC_BRIDGE:-}; do
			kept_mastering "$slot" "${written[$slot]}"
		done
		sleep 2
		count=$(nic_landed)
		((count >= 50)) || vm_fail "only $count packets landed"
		printf '# %d packets landed while no kernel was there to see them (%s)\n' "$count" "$path" >&3
	done
	sender_stop
	sleep 1
	next=$(expect_all "$next" "$(nic_quiet)")
	sent=$(cat "$LIVE_DIR/sent")
	[ "$next" = "$(live_field sent "$sent")" ]
	printf '# the sender waited %d ms at most\n' "$(live_field longest "$sent")" >&3
	(($(live_field longest "$sent") < 2000)) || vm_fail "the sender waited: $sent"
	[ "$(vm_run cat /sys/class/net/eth0/statistics/rx_missed_errors)" = 0 ]
	no_splat
}
