# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A virtual machine with a network card that receives while its kernel is replaced, for tests.
# The host sends numbered datagrams at a steady rate; a receiver in each kernel counts and
# answers them. Needs lab/vm.bash; keeps its files below LIVE_DIR.

# shellcheck disable=SC2016 # the shell in the machine expands it

NIC_MAC=52:54:00:12:34:56
NIC_PORT=4001
# the slot of the card; a card behind a bridge has another one
NIC_SLOT=0000:00:1e.0

# nic_machine DEVICE-OPTIONS [QEMU-OPTIONS [COMMAND-LINE]]: starts a machine with the card, and with
# the receiver in /tmp.
nic_machine() {
	mkdir -p "$LIVE_DIR/files"
	$VM_CC -O1 -static -o "$LIVE_DIR/files/live-receiver" "${BASH_SOURCE[0]%/*}/live-receiver.c"
	vm_start --append "kho=on ${3:-}" --files "$LIVE_DIR/files" --qemu "\
		-netdev dgram,id=${NIC_WIRE:-nic},local.type=unix,local.path=$LIVE_DIR/guest,remote.type=unix,remote.path=$LIVE_DIR/host \
		-trace enable=pci_cfg_write,file=$LIVE_DIR/config-writes ${2:-} -device e1000,netdev=nic,mac=$NIC_MAC,$1"
	vm_files
}

# nic_machine_drops DEVICE-OPTIONS: the same with a card that drops what its ring has no room for. Without a hub
# QEMU 7.2 asks the card first (e1000_can_receive()), and the sender waits. A hub also asks its other ports, and
# one that leads nowhere takes everything (net_hub_port_can_receive()). Frames then queue in front of the
# card, 10,000 at most. When a descriptor comes back QEMU gives the card the whole queue: the card
# drops all but the first, and counts them in MPC (set_rdt(), e1000_receiver_overrun()).
nic_machine_drops() {
	NIC_WIRE=wire nic_machine "$1" "-netdev hubport,id=hub,hubid=0,netdev=wire \
		-netdev hubport,id=nowhere,hubid=0 -netdev hubport,id=nic,hubid=0"
}

# sender_start RATE
sender_start() {
	rm -f "$LIVE_DIR"/{stop,host}
	"${BASH_SOURCE[0]%/*}/live-sender" "$LIVE_DIR/guest" "$LIVE_DIR/host" "$NIC_MAC" "$NIC_PORT" "$1" \
		"$LIVE_DIR/stop" "$LIVE_DIR/sent" 3>&- &
	SENDER=$!
}

# sender_stop: LIVE_DIR/sent then has the sender's report (see lab/live-sender).
sender_stop() {
	touch "$LIVE_DIR/stop"
	wait "$SENDER"
}

# nic_up [OPTION...]: loads the driver with these options, and starts a receiver.
# shellcheck disable=SC2120 # mostly without
nic_up() {
	vm_ok "modprobe kho_nic $* || exit"'
		/tmp/live-receiver '"$NIC_PORT"' /tmp/received >/dev/null 2>&1 &
		until grep -q :0FA1 /proc/net/udp; do sleep 0.1; done
		ip addr add 10.0.0.2/24 dev eth0 && ip link set eth0 up && arp -s 10.0.0.1 52:54:00:00:00:01'
}

# Waits until the receiver of this kernel gets datagrams. After the receiver of the card was turned on, QEMU holds
# frames back for a second.
nic_flows() {
	vm_ok 'until [ "$(cat /sys/class/net/eth0/statistics/rx_packets)" -gt 0 ]; do sleep 0.1; done'
}

# Stops the receiver and prints its report. Frames then stay in the ring.
nic_quiet() {
	vm_ok 'echo 0 >/sys/class/net/eth0/device/deliver
		kill -TERM $(pidof live-receiver)
		until [ -s /tmp/received ]; do sleep 0.1; done
		cat /tmp/received'
}

# nic_kexec PATH-OPTION: loads the same kernel with the state and jumps to it.
nic_kexec() {
	vm_ok kexec -l "$1" --kho=require "/boot/${VM_KERNEL##*/}" --reuse-cmdline
	vm_kexec
}

# nic_masters [SLOT]: prints the bus mastering bit of a command register, 1 or 0: the card's, or that of another slot.
nic_masters() {
	vm_run 'echo $((($(od -An -tu1 -j4 -N1 /sys/bus/pci/devices/'"${1:-$NIC_SLOT}"'/config) & 4) >> 2))'
}

# nic_commands SLOT [COUNT]: prints what was written to the command register of a device since the machine started, without
# the first COUNT values. QEMU traces all writes.
nic_commands() {
	sed -n "s/^.*pci_cfg_write .* ${1#0000:} @0x4 <- //p" "$LIVE_DIR/config-writes" | tail -n "+$((${2:-0} + 1))"
}

# nic_register OFFSET: prints a register of the card, through QEMU's monitor.
nic_register() {
	local bar
	bar=$(vm_run "cat /sys/bus/pci/devices/$NIC_SLOT/resource" | sed -n '1s/ .*//p')
	vm_monitor "xp /1wx $((bar + $1))" | sed -n 's/^.*: //p'
}

# Prints how many frames landed without a driver, from the driver's log.
nic_landed() {
	vm_run dmesg | sed -n 's/.*kho_nic.*: \([0-9]*\) frames landed while there was no driver.*/\1/p' | tail -n 1
}

# nic_machine_spoils: a machine whose card gets its memory, if it is not to be preserved, from a CMA area,
# away from memory that a kernel needs to start.
nic_machine_spoils() {
	nic_machine addr=1e.0 "" cma=16M@512M
}

# Fills most of the memory of a machine with zeros, sends to its card, and prints how many of these bytes changed. No driver
# returns descriptors there, so the ring must not be full before.
nic_spoils() {
	vm_ok 'mount -o remount,size=90% /tmp && dd if=/dev/zero of=/tmp/zeros bs=1M count=1200 2>/dev/null'
	sender_start 50
	sleep 5
	sender_stop
	vm_run "tr -d '\\0' </tmp/zeros | wc -c"
}

# live_field NAME TEXT: prints N from "NAME=N" in TEXT.
live_field() {
	sed -n "s/.*\b$1=\([0-9]*\).*/\1/p" <<<"$2"
}
