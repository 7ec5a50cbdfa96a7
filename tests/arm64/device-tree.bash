# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Device trees of arm64 machines.

# not_coherent [MEMORY]: a device tree like QEMU's, in which the PCI host is not coherent. Sets DTB.
not_coherent() {
	DTB=$BATS_TEST_TMPDIR/not-coherent.dtb
	qemu-system-aarch64 -machine "virt,dumpdtb=$DTB" -cpu "${VM_CPU:-cortex-a57}" -smp 2 -m "${1:-2G}" -display none \
		>/dev/null 2>&1
	fdtput -d "$DTB" /pcie@10000000 dma-coherent
}

# unmanaged_memory ADDRESS: 64 KiB in DTB that the kernel does not manage.
unmanaged_memory() {
	local node=/reserved-memory/pool@${1#0x}
	fdtput -p -t x "$DTB" "$node" reg 0 "$1" 0 0x10000
	fdtput "$DTB" "$node" no-map
	fdtput -t x "$DTB" /reserved-memory '#address-cells' 2
	fdtput -t x "$DTB" /reserved-memory '#size-cells' 2
	fdtput "$DTB" /reserved-memory ranges
}
