#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A network card receives during a kexec: numbered datagrams arrive at a steady rate, and the
# receivers get every number once and in order.

# shellcheck disable=SC2016 # the shell in the machine expands it
# shellcheck disable=SC2030,SC2031 # run and @test have subshells of their own

bats_require_minimum_version 1.5.0
# shellcheck source=tests/vm/live-helpers.bash
. "$BATS_TEST_DIRNAME/live-helpers.bash"

@test "three kexecs lose no packet, on either load path" {
	nic_machine addr=1e.0
	nic_generations -s -c -s
}

@test "a kexec loses no packet of a card behind a bridge; a probe that fails frees the ring and ends the request" {
	local inject=/sys/kernel/debug/notifier-error-inject/netdev/actions/NETDEV_REGISTER/error slot
	NIC_SLOT=0000:01:01.0 NIC_BRIDGE=0000:00:1d.0
	nic_machine bus=bridge,addr=1.0 "-device pci-bridge,id=bridge,chassis_nr=1,addr=1d.0"
	nic_generations -s

	nic_kexec -s
	vm_ok "modprobe netdev-notifier-error-inject && echo -12 >$inject && modprobe kho_nic"
	vm_run dmesg | grep -q 'restored a ring of 1024 buffers'
	vm_run dmesg | grep -q "kho_nic $NIC_SLOT: stopped the device: bus mastering is off"
	run ! vm_run 'grep eth0 /proc/net/dev'
	[ "$(nic_masters)" = 0 ]
	for slot in "$NIC_SLOT" "$NIC_BRIDGE"; do
		[ "$(vm_run cat "/sys/bus/pci/devices/$slot/kexec_keep_master")" = 0 ]
	done
	run ! vm_run 'kho-inspect tree | grep kho-nic || kho-inspect list | grep pci:'
	vm_ok "echo 0 >$inject && rmmod kho_nic"
	vm_files
	nic_up
	no_splat
}

# port_without_services: makes the port driver find the port above the card mastering, and set it up with each allocation
# failing. Unbinding turns mastering off, so it is turned on again before the driver finds it.
port_without_services() {
	vm_ok "
		cd /sys/kernel/debug/failslab
		set -- \$(grep -A1 -E ' pcie_portdrv_probe\$' /proc/kallsyms | cut -d' ' -f1)
		echo 0x\$1 >require-start && echo 0x\$2 >require-end && echo 32 >stacktrace-depth
		echo N >ignore-gfp-wait && echo -1 >times && echo 0 >verbose
		port=/sys/bus/pci/drivers/pcieport
		echo $NIC_BRIDGE >\$port/unbind
		printf '\\007' | dd of=/sys/bus/pci/devices/$NIC_BRIDGE/config bs=1 seek=4 conv=notrunc 2>/dev/null
		echo 100 >probability
		echo $NIC_BRIDGE >\$port/bind
		echo 0 >probability
		[ -e \$port/$NIC_BRIDGE ]"
	run ! vm_run "ls /sys/bus/pci_express/devices | grep ^$NIC_BRIDGE"
}

@test "a kexec loses no packet of a card behind a PCIe port, whether or not the port has services" {
	NIC_SLOT=0000:01:00.0 NIC_BRIDGE=0000:00:1d.0
	nic_machine bus=rootport,addr=0.0 "-device pcie-root-port,id=rootport,chassis=1,addr=1d.0"
	vm_run "ls /sys/bus/pci_express/devices" | grep -q "^$NIC_BRIDGE"
	# as without the series on a boot that KHO did not start
	port_without_services
	[ "$(nic_masters "$NIC_BRIDGE")" = 0 ]
	vm_ok "echo $NIC_BRIDGE >/sys/bus/pci/drivers/pcieport/unbind; echo $NIC_BRIDGE >/sys/bus/pci/drivers/pcieport/bind"

	nic_generations -s -c
	port_without_services
	[ "$(nic_masters "$NIC_BRIDGE")" = 1 ]
}

# keeps_master: prints kexec_keep_master of the card, and of the port above it.
keeps_master() {
	vm_run "cd /sys/bus/pci/devices && cat $NIC_SLOT/kexec_keep_master $NIC_BRIDGE/kexec_keep_master" | paste -sd ' '
}

@test "the PCI core forgets a request when the driver is gone or fails, and ignores it when the next kernel gets no state" {
	local driver=/sys/bus/pci/drivers/kho_master
	NIC_SLOT=0000:01:00.0 NIC_BRIDGE=0000:00:1d.0
	nic_machine bus=rootport,addr=0.0 "-device pcie-root-port,id=rootport,chassis=1,addr=1d.0" kho=off
	vm_ok "echo kho_master >/sys/bus/pci/devices/$NIC_SLOT/driver_override && modprobe kho_master"
	[ "$(keeps_master)" = "1 1" ]
	vm_ok "echo $NIC_SLOT >$driver/unbind"
	[ "$(keeps_master)" = "0 0" ]
	vm_ok "echo $NIC_SLOT >$driver/bind"
	[ "$(keeps_master)" = "1 1" ]
	vm_ok "echo $NIC_SLOT >$driver/unbind && echo -5 >/sys/module/kho_master/parameters/result"
	run ! vm_run "echo $NIC_SLOT >$driver/bind"
	[ "$(keeps_master)" = "0 0" ]

	vm_ok "rmmod kho_master && echo >/sys/bus/pci/devices/$NIC_SLOT/driver_override"
	vm_ok 'modprobe kho_nic preserve=0 keep_master=1 && ip link set eth0 up'
	[ "$(keeps_master) $(nic_masters)" = "1 1 1" ]
	vm_ok kexec -l -s --kho=off /boot/bzImage --reuse-cmdline
	vm_mark
	vm_kexec "kexec -e --kho=off --no-ifdown"
	vm_expect_console "kho_nic $NIC_SLOT: the next kernel gets no KHO data: turning bus mastering off"
	[ "$(nic_masters)" = 0 ]
}

@test "a ring that is too small: the device counts every packet that it drops" {
	local next report missing
	nic_machine_drops addr=1e.0
	nic_up rx_count=64
	sender_start 50
	nic_flows
	vm_ok kexec -l -s --kho=require /boot/bzImage --reuse-cmdline
	next=$(expect_all 0 "$(nic_quiet)")
	vm_kexec
	vm_files
	nic_up
	nic_flows
	sleep 1
	sender_stop
	sleep 1
	report=$(nic_quiet)
	# what landed, then a gap, then everything again
	[[ $report == "first=$next "*" duplicates=0 "*" unordered=0" ]] || vm_fail "expected from number $next on: $report"
	[ "$(($(live_field last "$report") + 1))" = "$(live_field sent "$(cat "$LIVE_DIR/sent")")" ]
	missing=$(live_field missing "$report")
	printf '# %d packets did not fit into a ring of 64 descriptors\n' "$missing" >&3
	((missing > 0)) || vm_fail "the ring was not full: $report"
	# MPC, which QEMU does not clear when it is read
	[ "$(($(nic_register 0x4010)))" = "$missing" ]
	[ "$(vm_run cat /sys/class/net/eth0/statistics/rx_missed_errors)" = "$missing" ]
	no_splat
}

# console_ms REGEX: prints the time stamp of the line of the console, in ms since its kernel started.
console_ms() {
	vm_expect_console "$1" && vm_console | grep -E -m1 -- "$1" | sed 's/^\[ *\([0-9]*\)\.\([0-9]\{3\}\).*/\1\2/'
}

@test "a device that its driver does not keep stops at the jump; a transfer under way lands after it" {
	local started jumped written
	nic_machine addr=1e.0
	nic_up keep_master=0
	vm_ok modprobe kho_edu late=1
	sender_start 50
	nic_flows
	nic_quiet
	vm_run kho-inspect verify | grep -q "^info *K521 *2 allocation(s) of PCI device $NIC_SLOT (kho_nic)"
	# otherwise kexec takes the interface down, and the driver unpreserves its memory
	vm_ok kexec -l -s --kho=require /boot/bzImage --reuse-cmdline
	written=$(nic_commands "$NIC_SLOT" | wc -l)
	vm_mark
	vm_kexec "kexec -e --no-ifdown"
	started=$(console_ms 'kho_edu .* a transfer to the live buffer at 0x[0-9a-f]* is under way')
	jumped=$(console_ms 'kexec_core: Starting new kernel')
	printf '# the old kernel ended %d ms after the start of a transfer that takes 100 ms\n' $((jumped - started)) >&3
	((jumped - started < 100)) || vm_fail "the machine is too slow: the transfer landed before the jump"
	vm_files
	# the content is correct only if the transfer landed, and the driver found it so
	vm_ok modprobe kho_edu
	vm_run dmesg | grep -q 'restored 5 of 5 buffers at the same DMA addresses, content intact'
	[ "$(nic_masters)" = 0 ]
	run ! kept_mastering "$NIC_SLOT" "$written"
	nic_up
	vm_expect_console 'bus mastering was off'
	[ "$(nic_landed)" -le 1 ]
}

@test "kexec -e takes down all interfaces but those of devices that it keeps" {
	mkdir "$LIVE_DIR/files"
	gcc -shared -fPIC -O1 -Wall -Werror -o "$LIVE_DIR/files/kexec-fault.so" "$BATS_TEST_DIRNAME/../../lab/kexec-fault.c"
	nic_machine addr=1e.0 "-netdev hubport,id=other,hubid=1 -device virtio-net-pci,netdev=other"
	run ! vm_run 'modprobe kho_nic rx_count=2056 && ip link set eth0 up'
	vm_run dmesg | grep -q 'rx_count=2056: a multiple of 8 up to 2048 is possible'
	vm_ok rmmod kho_nic
	nic_up rx_count=2048
	vm_run kho-inspect list | grep -q " pci:$NIC_SLOT .* 4 MiB "
	vm_ok 'modprobe virtio_net && ip link set eth1 up'
	vm_ok kexec -l -s --kho=require /boot/bzImage --reuse-cmdline
	# the jump fails after that, so that the interfaces can be seen
	run -4 vm_run 'KEXEC_FAULT=reboot:22 LD_PRELOAD=/tmp/kexec-fault.so kexec -e'
	[[ $output == *"KHO: eth0 stays up"* && $output != *"eth1 stays up"* ]]
	[ "$(vm_run 'echo $(($(cat /sys/class/net/eth0/flags) & 1)) $(($(cat /sys/class/net/eth1/flags) & 1))')" = "1 0" ]
	[ "$(vm_run cat /sys/bus/pci/devices/$NIC_SLOT/kexec_keep_master)" = 1 ]
}

# nic_refused OPTION...: checks that kexec refuses because of the card, and names it.
nic_refused() {
	run -3 vm_run kexec "$@"
	[[ $output == *"K520"*"PCI device $NIC_SLOT (kho_nic) keeps mastering"* ]]
}

@test "kexec refuses a device that goes on without preserved memory; forced, the device overwrites memory" {
	local path ring spoilt
	nic_machine_spoils
	vm_ok 'modprobe kho_nic preserve=0 && ip link set eth0 up'
	[ "$(nic_masters)" = 1 ]
	[ "$(vm_run cat /sys/bus/pci/devices/$NIC_SLOT/kexec_keep_master)" = 0 ]
	vm_ok kexec -l -s --kho=require /boot/bzImage --reuse-cmdline
	vm_ok 'kexec -u -s && rmmod kho_nic'

	nic_up preserve=0 keep_master=1
	for path in -s -c; do
		nic_refused -l "$path" --kho=require /boot/bzImage --reuse-cmdline
		nic_refused -l "$path" /boot/bzImage --reuse-cmdline
	done
	run -1 vm_run kho-inspect verify
	[[ $output == *"fatal    K520  PCI device $NIC_SLOT (kho_nic) keeps mastering over the kexec, and none of its memory is preserved"* ]]

	ring=$(nic_register 0x2800)
	((ring >> 24 == 0x20)) || vm_fail "the ring is at $ring"
	run -0 vm_run kexec -l -c --kho=off /boot/bzImage --command-line="$VM_CMDLINE ro kho=on nokaslr"
	[[ $output == *"--kho=off: PCI device $NIC_SLOT (kho_nic) keeps mastering"* ]]
	nic_refused -e
	vm_kexec "kexec -e --kho=off --no-ifdown"
	[ "$(nic_masters)" = 1 ]
	[ "$(nic_register 0x2800)" = "$ring" ]
	spoilt=$(nic_spoils)
	printf '# %s bytes of a file of zeros changed in the next kernel, and nobody had written to it\n' "$spoilt" >&3
	((spoilt > 0))
}

# "SLOT DAMAGE | MESSAGE OF THE DRIVER": registers by offset, other damages as in lab/live-damage.
DAMAGES='
0d ring_of=52:54:00:00:00:0e | the receive ring came back at another DMA address
0e | the receive ring cannot be restored
0b buffer_of=52:54:00:00:00:0c | the receive buffers came back at another DMA address
10 register 0x5400 0x99005452 | a ring of the device 52:54:00:00:00:10 was handed over, and this is 52:54:00:99:00:10
11 register 0x2800 0x1000000 | the device has a ring of 8192 bytes at 0x1000000
12 register 0x2808 4096 | the device has a ring of 4096 bytes
13 register 0x2818 600 | tail 600\), not the one of 512 descriptors
14 register 0x0100 0 | the receiver is off, though its ring was handed over
1e register 0x0100 0x6038002 | the receiver is set up otherwise: RCTL is 0x6038002, not 0x4008002
15 ring_state=4242 | the receive ring cannot be restored
16 compatible=kho-nic-v9 | something of another format
17 count=7 | a ring of 7 descriptors was handed over, which is impossible
18 name=kho-nic-0000:00:18.1 | the device is receiving into memory that nobody handed over
19 descriptor=0x1000 | descriptor 3 names 0x1000, which is not its buffer
1a register 0x2818 255 register 0x2808 4096 count=256 | the receive ring cannot be restored
1c buffer_dma=0x1000 | descriptor 0 names
1d buffer_state=4242 | the receive buffers cannot be restored
'

# damage SLOT DAMAGE...
damage() {
	local slot=$1 fdt
	shift
	fdt=$(vm_run cat /sys/kernel/debug/kho/out/fdt_phys)
	while (($#)); do
		if [ "$1" = register ]; then
			vm_ok "/tmp/live-register 0000:00:$slot.0 $2 $3"
			shift 2
		else
			"$BATS_TEST_DIRNAME/../../lab/live-damage" "$RAM" "$fdt" "52:54:00:00:00:$slot" "$1"
		fi
		shift
	done
}

@test "a driver stops a device with a ring that does not fit, and only that device" {
	local slot what says devices="-device e1000,addr=1b.0,mac=52:54:00:00:00:1b"
	# 0b takes the buffers of 0c; a device of another kind is where the ring of 18 is said to be
	devices+=" -device e1000,addr=0c.0,mac=52:54:00:00:00:0c -device edu,addr=18.1"
	RAM=$BATS_TEST_TMPDIR/ram
	while IFS=' |' read -r slot what; do
		[ ! "$slot" ] || devices+=" -device e1000,addr=$slot.0,multifunction=on,mac=52:54:00:00:00:$slot"
	done <<<"$DAMAGES"
	mkdir "$BATS_TEST_TMPDIR/files"
	gcc -O1 -static -o "$BATS_TEST_TMPDIR/files/live-register" "$BATS_TEST_DIRNAME/../../lab/live-register.c"
	vm_start --append "kho=on" --mem 1G --files "$BATS_TEST_TMPDIR/files" --qemu "-machine memory-backend=ram \
		-object memory-backend-file,id=ram,size=1G,mem-path=$RAM,share=on $devices"
	vm_files
	vm_ok modprobe kho_nic rx_count=512
	vm_ok 'for interface in /sys/class/net/eth*; do ip link set "${interface##*/}" up || exit; done'
	[ "$(vm_run kho-inspect list | grep -c 'kho_nic .* kept  *live$')" = 38 ]
	while IFS='|' read -r what says; do
		# shellcheck disable=SC2086 # words
		[ ! "$what" ] || damage $what
	done <<<"$DAMAGES"

	nic_kexec -s
	# a parameter that is wrong does not concern rings that are there
	vm_ok modprobe kho_nic rx_count=7
	vm_run dmesg >"$BATS_TEST_TMPDIR/log"
	vm_run 'kho-inspect verify --in --claims' >"$BATS_TEST_TMPDIR/findings" || true
	vm_run kho-inspect list >"$BATS_TEST_TMPDIR/out"
	while IFS='|' read -r what says; do
		[ "$what" ] || continue
		NIC_SLOT=0000:00:${what%% *}.0
		grep -Eq "kho_nic $NIC_SLOT: .*${says# }" "$BATS_TEST_TMPDIR/log" || vm_fail "$NIC_SLOT: the log does not say:$says"
		grep -q "kho_nic $NIC_SLOT: stopped the device: bus mastering is off" "$BATS_TEST_TMPDIR/log"
		[ "$(nic_masters)" = 0 ]
		# the buffers wait for the next kernel; a ring that was restored first is lost until the reboot
		grep -q "^[a-z]* *K50[12] .*pci:$NIC_SLOT" "$BATS_TEST_TMPDIR/findings" || vm_fail "$NIC_SLOT: no finding"
		grep -q " pci:$NIC_SLOT .* 1 MiB " "$BATS_TEST_TMPDIR/out" || vm_fail "$NIC_SLOT: its buffers are gone"
	done <<<"$DAMAGES"
	for NIC_SLOT in 0000:00:0c.0 0000:00:18.1; do
		[ "$(nic_masters)" = 0 ]
	done
	grep -q "kho_nic 0000:00:0c.0: the receive buffers cannot be restored" "$BATS_TEST_TMPDIR/log"
	NIC_SLOT=0000:00:1b.0
	grep -q "kho_nic $NIC_SLOT: restored a ring of 512 buffers" "$BATS_TEST_TMPDIR/log"
	[ "$(nic_masters)" = 1 ]
	run ! grep "pci:$NIC_SLOT" "$BATS_TEST_TMPDIR/findings"
	no_splat
}
