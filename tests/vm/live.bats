#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A network card receives while the kernel is replaced: numbered datagrams come in at a
# steady rate, and every number arrives once and in order.

# shellcheck disable=SC2016 # what is in single quotes is for the shell in there

bats_require_minimum_version 1.5.0
load helpers

NIC_MAC=52:54:00:12:34:56
NIC_PORT=4001

teardown() {
	[[ ${BATS_TEST_COMPLETED:-} ]] || vm_fail "the test failed" || true
	touch "$BATS_TEST_TMPDIR/stop"
	vm_stop
}

# nic_start DEVICE-OPTIONS [QEMU-OPTIONS]: a machine with the card, and the receiver in /tmp.
nic_start() {
	mkdir "$BATS_TEST_TMPDIR/files"
	gcc -O1 -static -o "$BATS_TEST_TMPDIR/files/live-receiver" "$BATS_TEST_DIRNAME/../../lab/live-receiver.c"
	vm_start --append "kho=on" --files "$BATS_TEST_TMPDIR/files" --qemu "${2:-} \
		-netdev dgram,id=nic,local.type=unix,local.path=$BATS_TEST_TMPDIR/guest,remote.type=unix,remote.path=$BATS_TEST_TMPDIR/host \
		-device e1000,netdev=nic,mac=$NIC_MAC,$1"
	vm_files
}

# sender_start RATE
sender_start() {
	"$BATS_TEST_DIRNAME/../../lab/live-sender" "$BATS_TEST_TMPDIR/guest" "$BATS_TEST_TMPDIR/host" \
		"$NIC_MAC" "$NIC_PORT" "$1" "$BATS_TEST_TMPDIR/stop" "$BATS_TEST_TMPDIR/sent" 3>&- &
	SENDER=$!
}

# Sets SENT to how many were sent.
sender_stop() {
	touch "$BATS_TEST_TMPDIR/stop"
	wait "$SENDER"
	SENT=$(sed -n 's/^sent=\([0-9]*\) .*/\1/p' "$BATS_TEST_TMPDIR/sent")
}

# The driver of this kernel takes the card, and a receiver gets what it delivers.
nic_up() {
	vm_ok "modprobe kho_nic $*"
	vm_ok '/tmp/live-receiver '"$NIC_PORT"' /tmp/received >/dev/null 2>&1 &
		until grep -q :0FA1 /proc/net/udp; do sleep 0.1; done
		ip addr add 10.0.0.2/24 dev eth0 && ip link set eth0 up'
}

# From here on frames stay in the ring. Prints what the receiver got.
nic_quiet() {
	vm_ok 'echo 0 >/sys/class/net/eth0/device/deliver
		kill -TERM $(pidof live-receiver)
		until [ -s /tmp/received ]; do sleep 0.1; done
		cat /tmp/received'
}

# report_field NAME REPORT
report_field() {
	sed -n "s/.*\b$1=\([0-9]*\).*/\1/p" <<<"$2"
}

# Everything from number @1 on, once and in order. Prints the number that comes next.
expect_all() {
	local next=$1 report=$2
	[[ $report == "first=$next "*" duplicates=0 missing=0 unordered=0" ]] ||
		vm_fail "expected all from number $next on: $report" || return
	printf '%d\n' $(($(report_field last "$report") + 1))
}

# Frames that landed while there was no driver, as the driver counts them.
landed() {
	vm_run dmesg | sed -n 's/.*kho_nic.*: \([0-9]*\) frames landed while there was no driver.*/\1/p' | tail -n 1
}

# nic_kexec PATH-OPTION: loads the same kernel with the state, and jumps. "kexec -e" takes network
# interfaces down unless it is told not to, which ends the reception.
nic_kexec() {
	vm_ok kexec -l "$1" --kho=require /boot/bzImage --reuse-cmdline
	vm_kexec "kexec -e --no-ifdown"
}

# nic_generations OPTIONS PATH...: one jump for each, and no number is lost.
nic_generations() {
	local options=$1 path next=0 count
	shift
	nic_up "$options"
	sender_start 50
	sleep 2
	for path; do
		next=$(expect_all "$next" "$(nic_quiet)")
		nic_kexec "$path"
		vm_files
		# nobody turned mastering off on the way here
		vm_ok '[ $(($(od -An -tu1 -j4 -N1 /sys/bus/pci/devices/'"$NIC_SLOT"'/config) & 4)) = 4 ]'
		nic_up "$options"
		sleep 2
		count=$(landed)
		((count > 0)) || vm_fail "nothing landed"
		printf '# %d packets landed while no kernel was there to see them (%s)\n' "$count" "$path" >&3
	done
	sender_stop
	sleep 1
	next=$(expect_all "$next" "$(nic_quiet)")
	[ "$next" = "$SENT" ]
	[ "$(vm_run cat /sys/class/net/eth0/statistics/rx_missed_errors)" = 0 ]
	no_splat
}

@test "not one packet is lost over three kexecs, on either load path" {
	NIC_SLOT=0000:00:1e.0
	nic_start addr=1e.0
	nic_generations "" -s -c -s
}

@test "not one packet is lost behind a bridge" {
	NIC_SLOT=0000:01:01.0
	nic_start bus=bridge,addr=1.0 "-device pci-bridge,id=bridge,chassis_nr=1,addr=1d.0"
	nic_generations "" -s
	# the bridge above kept mastering too
	vm_ok '[ $(($(od -An -tu1 -j4 -N1 /sys/bus/pci/devices/0000:00:1d.0/config) & 4)) = 4 ]'
}

@test "a device that the driver does not keep stops at the jump" {
	nic_start addr=1e.0
	nic_up keep_master=0
	sender_start 50
	sleep 1
	nic_quiet
	nic_kexec -s
	vm_files
	vm_ok '[ $(($(od -An -tu1 -j4 -N1 /sys/bus/pci/devices/0000:00:1e.0/config) & 4)) = 0 ]'
	nic_up
	vm_expect_console 'bus mastering was off'
	[ "$(landed)" -le 1 ]
}
