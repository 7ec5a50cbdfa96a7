// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-target-cmdline SNAPSHOT LIVEUPDATE: checks the findings about command lines, and which kernels
 * fit the scratch areas. The snapshot has scratch at 0x77400000+100M and 0x71800000+92M, and
 * preserved memory from 0x82e000 to 0xe7ffff, of 2 GiB.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libkho/source.h"

#define MIB	(1ull << 20)

static int failed;

static const struct {
	const char *cmdline, *findings;
} lines[] = {
	{ "quiet", "" },
	{ "kho=off", "K605 error " },
	{ "elfcorehdr=0x1000000 kho=on", "K605 error " },
	{ "elfcorehdr=1K@2G", "K605 error " },
	{ "elfcorehdr=", "K605 error " },
	{ "elfcorehdr=1 elfcorehdr kho=off", "K605 error " },
	{ "elfcorehdr", "" },
	{ "a=\"b elfcorehdr=1\" -- elfcorehdr=1", "" },
	/* the image's configuration turns it on, so only options that turn it off matter */
	{ "acpi_osi=\"a kho=off b\"", "" },
	{ "x=\"a kho=on kho=off", "K609 error " },
	{ "\"quiet", "K609 error " },
	{ "quiet -- \"init argument", "K609 error " },
	{ "a=\"b\" \"c=d\"", "" },
	/* scratch ends at 0x7d800000: 2008 MiB */
	{ "mem=1G", "K607 fatal " },
	{ "mem=2G", "" },
	{ "mem=2008M", "" },
	{ "mem=2007M", "K607 fatal " },
	{ "mem=0x7d800000", "" },
	{ "mem=0x7d7fffff", "K607 fatal " },
	{ "mem=4G mem=1G", "K607 fatal " },
	{ "\"mem=1G\"", "K607 fatal " },
	{ "mem=\"1G\" quiet", "K607 fatal " },
	{ "a=\"mem=1G b\"", "" },
	{ "-- mem=1G", "" },
	/* a value that the kernel rejects changes nothing */
	{ "mem=nopentium", "" },
	{ "mem=0", "" },
	{ "mem=", "" },
	{ "mem", "" },
	{ "mem=16777216T", "" },
	{ "memmap=1G", "K607 fatal " },
	{ "memmap=exactmap", "K607 fatal " },
	{ "memmap=exactmap memmap=640K@0 memmap=2047M@1M", "" },
	{ "memmap=exactmap,640K@0,2047M@1M", "" },
	{ "memmap=exactmap,1M@0,1000M@1M,1047M@1001M", "" },
	{ "memmap=exactmap,1M@0,1000M@1M,1046M@1002M", "" },
	{ "memmap=exactmap,2000M@1M", "K607 fatal " },
	/* all scratch stays, and preserved memory does not */
	{ "memmap=exactmap,1000M@1G", "K607 fatal " },
	{ "memmap=exactmap,2000M@16M", "K607 fatal " },
	{ "memmap=2047M@1M,exactmap", "K607 fatal " },
	{ "memmap=exactmap,2047M@1M,1G", "K607 fatal " },
	{ "memmap=64M$16M", "" },
	{ "memmap=64M$14M", "K607 fatal " },
	{ "memmap=4K$0x82e000", "K607 fatal " },
	{ "memmap=4K!0x77400000", "K607 fatal " },
	{ "memmap=4K#0x7d7ff000", "K607 fatal " },
	{ "memmap=4K#0x7d800000", "" },
	{ "memmap=1M%0x72000000-1+2", "K607 fatal " },
	{ "memmap=1M%0x72000000-1+12", "K607 fatal " },
	{ "memmap=1M%0x72000000-1", "K607 fatal " },
	{ "memmap=1M%0x72000000+2", "K607 fatal " },
	{ "memmap=1M%0x72000000-", "K607 fatal " },
	{ "memmap=1M%0x72000000", "K607 fatal " },
	{ "memmap=1M%0x72000000-0x100000001+2", "K607 fatal " },
	{ "memmap=1M%0x72000000-2+1", "" },
	{ "memmap=1M%0x72000000-2+3", "" },
	{ "memmap=1M%0x72000000-12", "" },
	{ "memmap=1M%0x72000000-1+1", "" },
	{ "memmap=1M%0x72000000+1", "" },
	{ "memmap=1M%0x72000000-1+2x", "" },
	{ "memmap=1M%0x72000000+2-1", "" },
	{ "memmap=1M%16M-1+2", "" },
	{ "memmap=exactmap,640K@0,2047M%1M+1", "" },
	{ "memmap=exactmap,640K@0,2047M%1M-2+1", "K607 fatal " },
	{ "memmap=1G@4G", "" },
	{ "memmap=", "" },
	{ "memmap=nonsense,64M$16M", "" },
	{ "memmap=99999999999999999999999999@0", "" },
	{ "memmap=64M$0xffffffffffffffff", "" },
	/* at a fixed address, which is reserved before preserved memory is; sizes are in units of 4 MiB */
	{ "cma=64M", "" },
	{ "cma=64M@0x800000", "K607 fatal " },
	{ "cma=64M@8M-72M", "K607 fatal " },
	{ "cma=64M@8M-100M", "" },
	{ "cma=64M@16M", "" },
	{ "cma=1M@12M", "K607 fatal " },
	{ "cma=1M@11M", "K607 fatal " },
	{ "cma=1M@4M", "" },
	{ "cma=64M@0", "" },
	{ "cma=0@8M", "" },
	{ "cma=64M@0x77400000", "" },
	{ "cma=64M@8M cma=0", "" },
	{ "cma=64M@8M cma=64M@16M", "" },
	/* address and limit of an earlier one stay */
	{ "cma=64M@8M cma=32M", "" },
	{ "cma=64M@8M cma=64M", "K607 fatal " },
	{ "cma", "" },
	{ "cma=", "" },
	{ "cma=16777215T@8M", "K607 fatal " },
	{ "-- cma=64M@8M", "" },
	{ "initrdmem=8M,8M", "K607 fatal " },
	{ "initrd=0x800000,8M", "K607 fatal " },
	{ "initrdmem=8M,8M initrdmem=8M", "K607 fatal " },
	{ "initrdmem=8M,8M initrd=16M,8M", "" },
	{ "initrd=/boot/ucode.img,/boot/initrd.img", "" },
	{ "initrd=\\EFI\\initrd.img", "" },
	{ "initrdmem=0xe00000,0xffffffffffffffff", "K607 fatal " },
	{ "initrdmem=16M,8M", "" },
	/* the kernel writes to these, and does not check who uses the memory */
	{ "trace_instance=boot@8M:8M", "K607 fatal " },
	{ "trace_instance=boot^traceoff@0x800000:8M,sched,irq", "K607 fatal " },
	{ "trace-instance=boot@16M:8M", "" },
	{ "trace_instance=a@16M:8M trace_instance=b@8M:8M trace_instance=c", "K607 fatal " },
	{ "trace_instance=boot@8M", "" },
	{ "trace_instance=boot@8M:", "" },
	{ "trace_instance=boot,sched@8M:8M", "" },
	{ "trace_instance=boot@trace:8M", "" },
	{ "trace_instance", "" },
	{ "trace_instance=boot@8M:0xffffffffffffffff", "K607 fatal " },
	{ "-- trace_instance=boot@8M:8M", "" },
	/* in quotes, a tab begins another instance */
	{ "trace_instance=\"x,sched\tboot@8M:8M\"", "K607 fatal " },
	{ "trace_instance=\"x\tboot@16M:8M\t\"", "" },
	{ "trace_instance=\"x,sched boot@8M:8M\"", "" },
	{ "trace_instance=boot=other@8M:8M", "" },
	/* devices of RAM at a fixed address */
	{ "phram.phram=a,0x800000,8Mi", "K607 fatal " },
	{ "phram.phram=a,8388608,0x800000,4096 quiet", "K607 fatal " },
	{ "phram.phram=a,8192ki,8Mi", "K607 fatal " },
	{ "phram.phram=a,16Mi,8Mi", "" },
	{ "phram.phram=a,8M,8Mi", "" },
	{ "phram.phram=a,8Ti,8Mi", "" },
	{ "phram.phram=a,0x800000", "" },
	{ "phram.phram=a,Mi,8Mi", "" },
	{ "phram=a,0x800000,8Mi", "" },
	{ "slram=a,8M,+8M", "K607 fatal " },
	{ "slram=a,0x800000,16m", "K607 fatal " },
	{ "slram=a,16M,+8M,b,8192K,+8192k", "K607 fatal " },
	{ "slram.map=a,8M,+8M", "K607 fatal " },
	{ "slram=a,16M,8M", "" },
	{ "slram=a,16M,24M", "" },
	{ "slram=a,8M", "" },
	{ "slram=a", "" },
	{ "slram", "" },
	{ "testmmiotrace.mmio_address=0x82b000", "K607 fatal " },
	{ "testmmiotrace.mmio_address=0x82a000", "" },
	{ "testmmiotrace.mmio_address=8M", "" },
	{ "ramoops.mem_address=0x800000 ramoops.mem_size=0x800000", "K607 fatal " },
	{ "ramoops.mem_size=+8388608 ramoops.mem-address=8388608", "K607 fatal " },
	{ "ramoops.mem_address=0x1000000 ramoops.mem_size=0x800000", "" },
	{ "ramoops.mem_address=0x800000", "" },
	/* without an address it begins at 0 */
	{ "ramoops.mem_size=0x1000000", "K607 fatal " },
	/* a number with a suffix is invalid, and the earlier value stays */
	{ "ramoops.mem_address=0x800000 ramoops.mem_size=0x800000 ramoops.mem_size=8M ramoops.mem_address=16M",
	  "K607 fatal " },
	{ "ramoops.mem_address=0x800000 ramoops.mem_size=0x800000 ramoops.mem_size=0", "" },
	/* a snapshot does not have the line of the running kernel */
	{ "mem_encrypt=on", "K607 fatal not judged " },
	{ "mem_encrypt=on mem_encrypt=off", "" },
	{ "mem_encrypt=off mem_encrypt=on", "K607 fatal not judged " },
	{ "mem_encrypt=only xmem_encrypt=on mem_encrypt=off", "" },
	/* the decompressor does not know quotes, and looks behind "--" */
	{ "a=\"b mem_encrypt=on c\"", "K607 fatal not judged " },
	{ "-- mem_encrypt=on", "K607 fatal not judged " },
	{ "memtest", "K607 fatal " },
	{ "memtest=4", "K607 fatal " },
	{ "memtest=0", "" },
	{ "memtest=+4", "K607 fatal " },
	{ "memtest=4 memtest=", "K607 fatal " },
	{ "memtest=4 memtest=on", "K607 fatal " },
	{ "memtest=4 memtest=0", "" },
	{ "memtest=on", "" },
	{ "memory_corruption_check=1", "" },
	{ "memory_corruption_check=1 memory_corruption_check_size=64M", "K607 fatal " },
	{ "memory_corruption_check_size=64M memory-corruption-check=2", "K607 fatal " },
	{ "memory_corruption_check=1 memory_corruption_check_size=0x82e000", "" },
	/* rounded up to a page */
	{ "memory_corruption_check=1 memory_corruption_check_size=0x82e001", "K607 fatal " },
	{ "memory_corruption_check=0 memory_corruption_check_size=64M", "" },
	{ "memory_corruption_check=1 memory_corruption_check=0 memory_corruption_check_size=64M", "" },
	{ "memory_corruption_check=1 memory_corruption_check=x memory_corruption_check_size=64M", "K607 fatal " },
	{ "memory_corruption_check=1 memory_corruption_check_size=64M memory_corruption_check_size=0", "" },
	/* a size that the kernel ignores, and one that it cuts to 32 bits */
	{ "memory_corruption_check=1 memory_corruption_check_size=64Mx", "" },
	{ "memory_corruption_check=1 memory_corruption_check_size=4G", "" },
	{ "memory_corruption_check=1 memory_corruption_check_size=5G", "K607 fatal " },
	{ "memory_corruption_check_size=64M", "K607 fatal not judged " },
	{ "-- memory_corruption_check=1 memory_corruption_check_size=64M", "" },
	{ "crashkernel=64M", "" },
	/* this matters only above 4 GiB */
	{ "crashkernel=64M swiotlb=262144", "" },
	{ "crashkernel=90M", "K608 warning " },
	{ "crashkernel=256M", "K608 warning " },
	{ "crashkernel=256M,high", "K608 warning " },
	/* in this machine it is low memory */
	{ "crashkernel=64M,high crashkernel=256M,low", "" },
	{ "crashkernel=1G-4G:192M,4G-64G:256M", "K608 warning " },
	/* the range is compared with RAM rounded up to 128 MiB, and a size as large as that is invalid */
	{ "crashkernel=2G-:192M", "K608 warning " },
	{ "crashkernel=2049M-:192M", "" },
	{ "crashkernel=1G-:192M mem=4G", "K608 warning not judged " },
	/* at a fixed address; scratch has 0x71800000 to 0x773fffff, and 0x77400000 to 0x7d7fffff */
	{ "crashkernel=64M@0x72000000", "" },
	{ "crashkernel=64M@0x71800000", "K608 warning " },
	{ "crashkernel=64M@16M", "K608 warning " },
	{ "crashkernel=1G-:64M@16M", "K608 warning " },
	{ "crashkernel=88M@0x78000000", "" },
	{ "crashkernel=89M@0x78000000", "K608 warning " },
	{ "crashkernel=64M@0", "" },
	/* the area of cma= is reserved before, and left out if it does not fit */
	{ "cma=90M crashkernel=80M", "K608 warning " },
	{ "cma=70M crashkernel=80M", "" },
	{ "cma=180M crashkernel=80M", "" },
	{ "cma=90M@1G-2048M crashkernel=80M", "K608 warning " },
	{ "cma=80M@0x72000000-0x77400000 crashkernel=84M@0x72000000", "K608 warning " },
	{ "cma=80M@0x78000000-0x7d800000 crashkernel=84M@0x72000000", "" },
	{ "cma=64M@0x72000000 crashkernel=64M@0x72000000", "K608 warning " },
	{ "cma=64M@0x78000000 crashkernel=84M@0x72000000", "" },
	{ "cma=64M@16M crashkernel=88M@0x78000000", "" },
	{ "numa_cma=0:16M crashkernel=64M", "K608 warning not judged " },
	{ "cma_pernuma=16M crashkernel=64M", "K608 warning not judged " },
	{ "cma_pernuma=16M crashkernel=90M", "K608 warning " },
	{ "numa_cma=0:16M cma_pernuma=16M", "" },
	{ "mem=1G kho=off \"x", "K605 error K607 fatal K609 error " },
	{ "rd.kho.expect=5,11 init=/bin/sh -- x", "" },
	{ "init=/bin/sh rd.kho.expect=5,11", "K610 error " },
	{ "rd.kho.expect=1,1 init=/bin/sh rd.kho.expect=5,11", "K610 error " },
	{ "init.x=1 rd.kho.expect=5,11", "" },
	/* that is an argument of init on any boot, and no promise */
	{ "quiet -- rd.kho.expect=5,11", "" },
};

/* Places for a kernel with an alignment of 2 MiB, above 16 MiB, in these scratch areas. */
static const struct {
	uint64_t kernel, initrd;
	struct kho_range scratch[3];
	int fits;
	const char *format;	/* NULL: an x86 kernel */
} places[] = {
	{ 16 * MIB, 0, { { 64 * MIB, 32 * MIB } }, 1 },
	{ 16 * MIB, 12 * MIB, { { 64 * MIB, 32 * MIB } }, 1 },
	/* each fits, but not both */
	{ 16 * MIB, 24 * MIB, { { 64 * MIB, 32 * MIB } }, 0 },
	{ 32 * MIB, 0, { { 64 * MIB, 32 * MIB } }, 0 },
	/* only the gap from alignment is left for the small pieces */
	{ 30 * MIB, 0, { { 64 * MIB, 32 * MIB } }, 1 },
	{ 30 * MIB, 0, { { 64 * MIB, 30 * MIB } }, 0 },
	{ 30 * MIB, 1, { { 64 * MIB, 32 * MIB } }, 1 },
	{ 30 * MIB, 2 * MIB, { { 64 * MIB, 32 * MIB } }, 0 },
	{ 16 * MIB, 24 * MIB, { { 64 * MIB, 32 * MIB }, { 0, 0 }, { 128 * MIB, 24 * MIB } }, 1 },
	{ 16 * MIB, 24 * MIB, { { 0, 0 }, { 0, 0 }, { 128 * MIB, 24 * MIB } }, 0 },
	/* below the minimum of the kernel */
	{ 8 * MIB, 0, { { 1 * MIB, 16 * MIB } }, 0 },
	{ 8 * MIB, 0, { { 1 * MIB, 32 * MIB } }, 1 },
	{ UINT64_MAX, 0, { { 64 * MIB, 32 * MIB } }, 0 },
	{ 16 * MIB, UINT64_MAX, { { 64 * MIB, 32 * MIB } }, 0 },
	{ 16 * MIB, 0, { { UINT64_MAX - MIB, 32 * MIB } }, 0 },
	{ 0, 0, { { 64 * MIB, 32 * MIB } }, KHO_ERR_UNSUPPORTED },
	/* the loader puts an arm64 kernel at the lowest address, initrd and device tree above it */
	{ 16 * MIB, 12 * MIB, { { 64 * MIB, 32 * MIB } }, 1, "Image" },
	{ 16 * MIB, 13 * MIB, { { 64 * MIB, 32 * MIB } }, 1, "UKI (Image)" },
	/* the device tree needs a multiple of 2 MiB, and the initrd uses the last one */
	{ 16 * MIB, 15 * MIB, { { 64 * MIB, 32 * MIB } }, 0, "Image" },
	{ 30 * MIB, 0, { { 64 * MIB, 32 * MIB } }, 1, "Image" },
	{ 31 * MIB, 0, { { 64 * MIB, 32 * MIB } }, 0, "Image" },
	/* they may be in a later area at a higher address */
	{ 16 * MIB, 24 * MIB, { { 64 * MIB, 16 * MIB }, { 128 * MIB, 32 * MIB } }, 1, "Image" },
	{ 16 * MIB, 24 * MIB, { { 128 * MIB, 16 * MIB }, { 64 * MIB, 32 * MIB } }, 0, "Image" },
	/* the initrd must be within 32 GiB of the kernel, which moves to an area with room */
	{ 16 * MIB, 24 * MIB, { { 64 * MIB, 17 * MIB }, { 40960 * MIB, 24 * MIB } }, 0, "Image" },
	{ 16 * MIB, 24 * MIB, { { 64 * MIB, 17 * MIB }, { 40960 * MIB, 48 * MIB } }, 1, "Image" },
	{ UINT64_MAX, 0, { { 64 * MIB, 32 * MIB } }, 0, "Image" },
	{ 4096, UINT64_MAX, { { 0, UINT64_MAX } }, 0, "Image" },
	{ 0, 0, { { 64 * MIB, 32 * MIB } }, KHO_ERR_UNSUPPORTED, "Image" },
};

#define GIB	(1ull << 30)

/* A crash kernel beside a kernel of 16 MiB, and its initrd. */
static const struct {
	uint64_t size;
	struct kho_range scratch[4];
	int fits, fits_arm64;
	uint64_t initrd, cma;
} crashes[] = {
	{ 0, { { 0, 0 } }, 1, 1, 0 },
	{ 64 * MIB, { { 64 * MIB, 79 * MIB } }, 0, 0, 0 },
	{ 64 * MIB, { { 64 * MIB, 80 * MIB } }, 1, 1, 0 },
	{ 64 * MIB, { { 64 * MIB, 64 * MIB }, { GIB, 15 * MIB } }, 0, 0, 0 },
	{ 64 * MIB, { { 64 * MIB, 64 * MIB }, { GIB / 2, 16 * MIB } }, 1, 1, 0 },
	/* alignment uses a part of the area */
	{ 64 * MIB, { { 66 * MIB, 77 * MIB }, { GIB / 2, 16 * MIB } }, 0, 1, 0 },
	/* above 4 GiB, x86 needs 256 MiB of low memory, and arm64 128 MiB or none */
	{ 512 * MIB, { { 16 * MIB, 255 * MIB }, { 8 * GIB, GIB } }, 0, 1, 0 },
	{ 512 * MIB, { { 16 * MIB, 256 * MIB }, { 8 * GIB, GIB } }, 1, 1, 0 },
	{ 512 * MIB, { { 16 * MIB, 64 * MIB }, { 8 * GIB, GIB } }, 0, KHO_ERR_UNSUPPORTED, 0 },
	{ 512 * MIB, { { 16 * MIB, 256 * MIB }, { 8 * GIB, 512 * MIB } }, 0, 1, 0 },
	{ 512 * MIB, { { 16 * MIB, 256 * MIB }, { 8 * GIB, 512 * MIB }, { 9 * GIB, 16 * MIB } }, 1, 1, 0 },
	/* an area on both sides of 4 GiB */
	{ 512 * MIB, { { 3840 * MIB, 768 * MIB } }, 0, KHO_ERR_UNSUPPORTED, 0 },
	{ 512 * MIB, { { 3840 * MIB, 784 * MIB } }, 1, KHO_ERR_UNSUPPORTED, 0 },
	{ 64 * MIB, { { 64 * MIB, 80 * MIB } }, 0, 0, 1 },
	{ 64 * MIB, { { 64 * MIB, 104 * MIB } }, 1, 1, 24 * MIB },
	{ 64 * MIB, { { 64 * MIB, 104 * MIB } }, 0, 0, 24 * MIB + 1 },
	{ 64 * MIB, { { 64 * MIB, 80 * MIB }, { GIB, 24 * MIB } }, 1, 1, 24 * MIB },
	{ 64 * MIB, { { 64 * MIB, 80 * MIB }, { GIB, 24 * MIB } }, 0, 0, 25 * MIB },
	{ 64 * MIB, { { 64 * MIB, 64 * MIB }, { GIB / 2, 16 * MIB }, { GIB, 24 * MIB } }, 1, 1, 24 * MIB },
	{ 64 * MIB, { { 64 * MIB, 64 * MIB }, { GIB / 2, 40 * MIB } }, 1, 1, 24 * MIB },
	{ 64 * MIB, { { 64 * MIB, 64 * MIB }, { GIB / 2, 40 * MIB } }, 0, 0, 25 * MIB },
	/* each in an area of its own */
	{ 512 * MIB, { { 16 * MIB, 256 * MIB }, { 8 * GIB, 512 * MIB }, { 9 * GIB, 24 * MIB }, { 10 * GIB, 16 * MIB } }, 1, 1, 24 * MIB },
	{ 512 * MIB, { { 16 * MIB, 256 * MIB }, { 8 * GIB, 512 * MIB }, { 9 * GIB, 24 * MIB } }, 0, 1, 24 * MIB },
	/* the pieces need places, and not only bytes: the gap before a multiple of 16 MiB is too small */
	{ 84 * MIB, { { 0x77400000, 100 * MIB }, { 0x71800000, 92 * MIB } }, 0, KHO_ERR_UNSUPPORTED, 85 * MIB },
	{ 84 * MIB, { { 0x77400000, 100 * MIB }, { 0x71800000, 92 * MIB }, { GIB, 16 * MIB } }, 1, KHO_ERR_UNSUPPORTED, 85 * MIB },
	{ 84 * MIB, { { 0x77400000, 100 * MIB }, { 0x71800000, 92 * MIB } }, 1, KHO_ERR_UNSUPPORTED, 84 * MIB },
	/* CMA, at a multiple of 2 MiB; the target leaves it out if there is no room */
	{ 64 * MIB, { { 64 * MIB, 112 * MIB } }, 1, 1, 0, 32 * MIB },
	{ 64 * MIB, { { 64 * MIB, 112 * MIB } }, 0, 0, 0, 34 * MIB },
	{ 64 * MIB, { { 64 * MIB, 112 * MIB } }, 0, 0, 0, 96 * MIB },
	{ 64 * MIB, { { 64 * MIB, 112 * MIB } }, 1, 1, 0, 97 * MIB },
	{ 64 * MIB, { { 64 * MIB, 112 * MIB } }, 1, 1, 0, UINT64_MAX },
	{ 64 * MIB, { { 64 * MIB, 96 * MIB }, { GIB, 24 * MIB } }, 1, 1, 24 * MIB, 16 * MIB },
	{ 64 * MIB, { { 64 * MIB, 96 * MIB }, { GIB, 24 * MIB } }, 0, 0, 24 * MIB + 1, 16 * MIB },
	{ 64 * MIB, { { 64 * MIB, GIB } }, 0, 0, UINT64_MAX },
	{ UINT64_MAX, { { 64 * MIB, GIB } }, 0, 0, 0 },
	{ 64 * MIB, { { UINT64_MAX - MIB, GIB } }, 0, 0, 0 },
};

static int note_finding(const struct kho_finding *finding, void *data)
{
	char *found = data;

	snprintf(found + strlen(found), 256 - strlen(found), "%s %s%s ", finding->rule->id,
		 kho_severity_name(finding->severity), finding->outcome == KHO_OUTCOME_NOT_JUDGED ? " not judged" : "");
	return 0;
}

static void check_load(struct kho_state *state, const struct kho_target *target, const char *cmdline,
		       bool initrd_known, uint64_t initrd_size, const char *wanted)
{
	const struct kho_target_load load = {
		.cmdline = cmdline, .initrd_known = initrd_known, .initrd_size = initrd_size,
	};
	struct kho_verify_summary summary;
	char found[256] = "";

	if (!kho_target_verify(state, target, &load, note_finding, found, &summary, NULL) &&
	    !strcmp(found, wanted))
		return;
	fprintf(stderr, "%s: found \"%s\", not \"%s\"\n", cmdline, found, wanted);
	failed = 1;
}

static void check_line(struct kho_state *state, const struct kho_target *target, const char *cmdline,
		       const char *wanted)
{
	check_load(state, target, cmdline, true, 0, wanted);
}

/* The initrd is in scratch before the target reserves the crash kernel. */
static void check_initrd(struct kho_state *state, const struct kho_target *target)
{
	check_load(state, target, "crashkernel=80M", true, 84 * MIB, "");
	check_load(state, target, "crashkernel=80M", true, 87 * MIB, "K608 warning ");
	check_load(state, target, "crashkernel=80M", true, UINT64_MAX, "K608 warning ");
	check_load(state, target, "crashkernel=80M", false, 0, "K608 warning not judged ");
	check_load(state, target, "crashkernel=90M", false, 0, "K608 warning ");
	check_load(state, target, "quiet", false, 0, "");
}

/* A bootconfig in the initrd can add options, and what is known to be wrong stays wrong. */
static void check_bootconfig(struct kho_state *state, const struct kho_target *target)
{
	const char *unread = "K607 fatal not judged ";

	check_load(state, target, "bootconfig", true, MIB, unread);
	check_load(state, target, "quiet bootconfig=1", true, MIB, unread);
	check_load(state, target, "bootconfig", false, 0, unread);
	check_load(state, target, "bootconfig", true, 0, "");
	check_load(state, target, "bootconfigs", true, MIB, "");
	check_load(state, target, "quiet -- bootconfig", true, MIB, "");
	check_load(state, target, "kho=off bootconfig", true, MIB, "K605 error K607 fatal not judged ");
	check_load(state, target, "mem=1G bootconfig", true, MIB, "K607 fatal not judged K607 fatal ");
	check_load(state, target, "rd.kho.expect=5,11 bootconfig", true, MIB,
		   "K607 fatal not judged K610 error not judged ");
}

static void check_place(size_t i)
{
	struct kho_target target = {
		.memory_size = places[i].kernel, .memory_align = 2 * MIB, .memory_min = 16 * MIB,
	};
	int fits;

	if (places[i].format)
		strcpy(target.format, places[i].format);
	fits = kho_target_fits(&target, places[i].initrd, places[i].scratch, 3);

	if (fits == places[i].fits)
		return;
	fprintf(stderr, "place %zu: %d, not %d\n", i, fits, places[i].fits);
	failed = 1;
}

static void check_crash(size_t i)
{
	struct kho_target x86 = { .format = "bzImage", .memory_size = 16 * MIB };
	struct kho_target arm64 = { .format = "Image", .memory_size = 16 * MIB };
	int fits = kho_target_crash_fits(&x86, crashes[i].initrd, crashes[i].cma, crashes[i].size, crashes[i].scratch, 4);
	int fits_arm64 = kho_target_crash_fits(&arm64, crashes[i].initrd, crashes[i].cma, crashes[i].size, crashes[i].scratch, 4);

	if (fits == crashes[i].fits && fits_arm64 == crashes[i].fits_arm64)
		return;
	fprintf(stderr, "crash kernel %zu: %d and %d, not %d and %d\n", i, fits, fits_arm64,
		crashes[i].fits, crashes[i].fits_arm64);
	failed = 1;
}

static struct kho_state *open_state(const char *path, struct kho_source **source)
{
	struct kho_state *state;

	if (kho_source_open_file(path, source, NULL))
		return NULL;
	if (!kho_state_open(*source, KHO_SIDE_OUT, &state, NULL))
		return state;
	kho_source_close(*source);
	return NULL;
}

#define KEPT		"reserve_mem=64K:4096:kept "
#define MANY		"reserve_mem=1M:0:1 reserve_mem=1M:0:2 reserve_mem=1M:0:3 reserve_mem=1M:0:4 reserve_mem=1M:0:5 reserve_mem=1M:0:6 "
#define RESERVED	KEPT "reserve_mem=0x100000:1M:pool "

/* A state with live update, and with memory of reserve_mem=. */
static void check_users(const char *path, struct kho_target *target)
{
	struct kho_source *source;
	struct kho_state *state = open_state(path, &source);

	if (!state) {
		failed = 1;
		return;
	}
	check_line(state, target, RESERVED "quiet", "K605 warning ");
	check_line(state, target, RESERVED "liveupdate=off", "K605 warning ");
	check_line(state, target, RESERVED "x=\"liveupdate=on\"", "K605 warning ");
	check_line(state, target, RESERVED "liveupdate=on", "");
	check_line(state, target, "liveupdate=on", "K605 error K605 error ");
	check_line(state, target, "liveupdate=on " KEPT, "K605 error ");
	check_line(state, target, "liveupdate=on reserve-mem=0x10000:0:kept reserve_mem=1M::pool", "");
	/* wrong in size, alignment or name, or not an option of the kernel */
	check_line(state, target, "liveupdate=on " KEPT "reserve_mem=2M:4096:pool", "K605 error ");
	check_line(state, target, "liveupdate=on " KEPT "reserve_mem=1M:2M:pool", "K605 error ");
	check_line(state, target, "liveupdate=on " KEPT "reserve_mem=1M:4096:pool2", "K605 error ");
	check_line(state, target, "liveupdate=on " KEPT "reserve_mem=1M:4096", "K605 error ");
	check_line(state, target, "liveupdate=on " KEPT "-- reserve_mem=1M:4096:pool", "K605 error ");
	/* the first option of a name counts, unless it is malformed */
	check_line(state, target, "liveupdate=on " KEPT "reserve_mem=2M:4096:pool reserve_mem=1M:4096:pool",
		   "K605 error ");
	check_line(state, target, "liveupdate=on " KEPT "reserve_mem=0:4096:pool reserve_mem=1M:4096:pool", "");
	/* the target takes eight of them */
	check_line(state, target, "liveupdate=on " MANY RESERVED, "");
	check_line(state, target, "liveupdate=on reserve_mem=1M:0:7 " MANY RESERVED, "K605 error ");
	check_line(state, target, "liveupdate=on reserve_mem=1M:0:8 reserve_mem=1M:0:7 " MANY RESERVED,
		   "K605 error K605 error ");
	/* malformed, or of a name that was there: these do not count */
	check_line(state, target, "liveupdate=on reserve_mem=1M:0:6 reserve_mem=1M:0:0123456789abcdef reserve_mem=1M:0: reserve_mem=\"1M:0: \" reserve_mem=0:0:9 " MANY RESERVED,
		   "");
	/* a bootconfig in the initrd can have the same options, or others that come first */
	check_load(state, target, "liveupdate=on bootconfig", true, MIB,
		   "K605 error not judged K607 fatal not judged ");
	check_load(state, target, "bootconfig " RESERVED, true, MIB,
		   "K605 warning K605 error not judged K607 fatal not judged ");
	/* K603 covers that */
	target->luo_compatible[0] = '\0';
	check_line(state, target, RESERVED "quiet", "K603 warning ");
	if (kho_state_is_empty(state, NULL)) {
		fprintf(stderr, "%s is said to be empty\n", path);
		failed = 1;
	}
	kho_state_close(state);
	kho_source_close(source);
}

/* A running kernel's command line is known, and mem_encrypt=on must be on both or on neither. */
static void check_encryption(struct kho_source *source, struct kho_state *state,
			     const struct kho_target *target)
{
	static const char on[] = "quiet mem_encrypt=on", off[] = "mem_encrypt=on mem_encrypt=off\n";

	source->cmdline = strdup(on);
	check_line(state, target, "mem_encrypt=on", "");
	check_line(state, target, "quiet", "K607 fatal ");
	check_line(state, target, off, "K607 fatal ");
	free(source->cmdline);
	source->cmdline = strdup(off);
	check_line(state, target, "quiet", "");
	check_line(state, target, on, "K607 fatal ");
}

int main(int argc, char **argv)
{
	struct kho_target target = {
		.format = "bzImage", .release = "9.9.9", .has_kho = true, .kho_default_on = true,
		.config_known = true, .root_compatible = "kho-v4", .luo_compatible = "luo-v5",
		.dma_compatible = "dma-alloc-v1", .memory_size = 16 * MIB, .page_size = 4096,
	};
	struct kho_source *source;
	struct kho_state *state;

	if (argc != 3 || !(state = open_state(argv[1], &source)))
		return 2;

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		check_line(state, &target, lines[i].cmdline, lines[i].findings);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		check_place(i);
	for (size_t i = 0; i < sizeof(crashes) / sizeof(*crashes); i++)
		check_crash(i);
	check_bootconfig(state, &target);
	check_initrd(state, &target);
	check_encryption(source, state, &target);
	/* on arm64 RAM does not begin at 0 */
	strcpy(target.format, "Image");
	check_line(state, &target, "mem=1G", "K607 fatal not judged ");
	/* arm64 does not have this option */
	check_line(state, &target, "memmap=4K!0x77400000", "");
	check_line(state, &target, "cma=64M@8M", "K607 fatal ");
	check_line(state, &target, "quiet", "");
	if (kho_state_is_empty(state, NULL)) {
		fprintf(stderr, "%s is said to be empty\n", argv[1]);
		failed = 1;
	}
	check_users(argv[2], &target);

	kho_state_close(state);
	kho_source_close(source);
	return failed;
}
