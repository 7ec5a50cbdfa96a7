/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libkho - read and verify Kexec HandOver (KHO) state.
 *
 * Data flows one way: source -> state (root FDT, scratch, RAM) -> preserved
 * memory map and subtrees -> verify. The library never prints, never exits and
 * has no global state. Only one thread at a time may use an object.
 *
 * Errors: every function that can fail returns 0 (or a documented count >= 0)
 * on success and a negative enum kho_error_code on failure. It fills its
 * struct kho_error (the pointer may be NULL) on failure only. Out-parameters
 * come last and are written on success only. _open/_create make an object,
 * _close/_destroy release it and accept NULL.
 *
 * Structures that callers allocate or receive as arrays end in reserved words, so that they can grow.
 * In structures that the library fills in, these words are undefined. In options, callers set them
 * to 0 by initialising the structure; the library refuses options that it does not know. The library
 * may append members to structures that only callbacks receive (kho_item, kho_finding). Struct
 * kho_range never changes.
 *
 * Addresses are physical addresses, sizes are bytes, unless said otherwise.
 */
#ifndef KHO_H
#define KHO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- errors */

enum kho_error_code {
	KHO_OK = 0,
	/* environment: says nothing about the state */
	KHO_ERR_OS = -1,		/* a system call failed; see os_errno */
	KHO_ERR_NOMEM = -2,
	KHO_ERR_PERMISSION = -3,	/* not root (CAP_SYS_RAWIO), or lockdown */
	KHO_ERR_NO_KHO = -4,		/* this kernel is built without KHO */
	KHO_ERR_DISABLED = -5,		/* KHO is there but off (kho=on missing) */
	KHO_ERR_NO_DEBUGFS = -6,	/* debugfs is not mounted */
	KHO_ERR_NO_KCORE = -7,		/* no /proc/kcore */
	KHO_ERR_NO_STATE = -8,		/* no such side: booted without a handover */
	KHO_ERR_USAGE = -9,		/* wrong argument from the caller */
	/* the requested data is not readable */
	KHO_ERR_NOT_PRESENT = -10,	/* the address is not in the source */
	KHO_ERR_FORMAT = -11,		/* not a dump that the library can read */
	KHO_ERR_UNSUPPORTED = -12,	/* unknown format or version */
	/* the data was read and is wrong */
	KHO_ERR_CORRUPT = -13,
	KHO_ERR_LOOP = -14,		/* a chain or tree refers to itself or is too long */
	KHO_ERR_NOT_FOUND = -15,	/* no such subtree, record, ... */
	KHO_ERR_STOPPED = -16,		/* the caller's callback ended the operation */
};

/*
 * The comments below name these sets of errors:
 *
 * READ	KHO_ERR_NOT_PRESENT: the address is not in the source; KHO_ERR_OS, KHO_ERR_PERMISSION: the
 *	system could not read it.
 * WALK	READ; KHO_ERR_CORRUPT, KHO_ERR_LOOP: the data is wrong; KHO_ERR_NOMEM.
 * MAP	WALK; KHO_ERR_UNSUPPORTED: the map has an unknown format, or could have two formats;
 *	KHO_ERR_NOT_PRESENT without an address: an incoming state has no map.
 * DMA	WALK; KHO_ERR_NOT_FOUND: the state has no list of DMA records; KHO_ERR_UNSUPPORTED: the
 *	list has an unknown format.
 */

#define KHO_NO_ADDR UINT64_MAX
#define KHO_SIZE_UNKNOWN UINT64_MAX

struct kho_error {
	int code;		/* enum kho_error_code */
	int os_errno;		/* 0 if no system call failed */
	uint64_t addr;		/* physical address concerned, or KHO_NO_ADDR */
	char message[256];	/* one line, no newline: what failed on which object */
	char remedy[160];	/* one line: what to do; may be empty */
	uint64_t reserved[2];
};

/* Short text for a code, also for KHO_OK and unknown codes. */
const char *kho_strerror(int code);

/* --------------------------------------------------------------- sources */

/* Physical memory to read: the running kernel's, or a dump. */
struct kho_source;

/*
 * The running kernel: debugfs and /proc/kcore below @sysroot (NULL or "" for
 * "/"). Needs root.
 *
 * KHO_ERR_PERMISSION, KHO_ERR_NO_KHO, KHO_ERR_DISABLED, KHO_ERR_NO_DEBUGFS, KHO_ERR_NO_KCORE,
 * KHO_ERR_FORMAT, KHO_ERR_OS, KHO_ERR_NOMEM.
 */
int kho_source_open_live(const char *sysroot, struct kho_source **out,
			 struct kho_error *err);

/*
 * KHO of the running kernel by its configuration (/proc/config.gz, /boot/config-RELEASE), its
 * symbols and its command line below @sysroot, for when debugfs does not show KHO: 1 on, 0 off or not
 * built in, -1 unknown. A kernel without CONFIG_KEXEC_HANDOVER_DEBUGFS may have it on.
 */
int kho_kernel_is_on(const char *sysroot);

/*
 * An ELF core with physical addresses in p_paddr (a snapshot, a vmcore, or
 * QEMU's dump-guest-memory), or a compressed dump of makedumpfile. For the
 * latter the library loads libkdumpfile (KHO_ERR_UNSUPPORTED without it). A page that is not in
 * the dump, or beyond the end of a truncated file, is "not present", never 0. The library does not
 * map files. A dump without KHO's notes has no scratch table; its root is found by a scan.
 *
 * KHO_ERR_FORMAT: not a dump, or a damaged one; KHO_ERR_UNSUPPORTED: a kind of dump, or a machine,
 * that the library cannot read; KHO_ERR_CORRUPT: a snapshot with wrong notes;
 * KHO_ERR_PERMISSION, KHO_ERR_OS, KHO_ERR_NOMEM.
 */
int kho_source_open_file(const char *path, struct kho_source **out,
			 struct kho_error *err);

void kho_source_close(struct kho_source *source);

/*
 * Makes kho_state_open() look for the root FDT with @path, the vmlinux (symbols and debug
 * information) of the kernel that @source has the memory of. kho_state_open() tries this if
 * neither kernel nor dump gives the address, and before it scans RAM; it checks the result like
 * that of a scan. Loads libdw. Has no effect on a snapshot, which gives the address. Keeps
 * no reference to the file.
 *
 * KHO_ERR_USAGE: the build ids differ; KHO_ERR_UNSUPPORTED: one of the two has no build id, or the
 * source does not say where the kernel was placed, or libdw is missing; KHO_ERR_NOT_FOUND:
 * symbols or debug information are missing; KHO_ERR_FORMAT: not a vmlinux; KHO_ERR_PERMISSION,
 * KHO_ERR_OS, KHO_ERR_NOMEM. An error changes nothing.
 */
int kho_source_set_vmlinux(struct kho_source *source, const char *path,
			   struct kho_error *err);

/*
 * Sets the page size of the kernel for a dump that does not contain it: 4096, 16384 or 65536; 0
 * changes nothing. KHO's formats depend on it, so kho_state_open() fails with KHO_ERR_UNSUPPORTED
 * while it is unknown. Snapshots, dumps with VMCOREINFO and those of x86_64 need no such call.
 * KHO_ERR_USAGE: the source says another size; KHO_ERR_UNSUPPORTED: no kernel with KHO has such pages.
 */
int kho_source_set_page_size(struct kho_source *source, unsigned int bytes, struct kho_error *err);

/*
 * Reports the progress of a long call: a scan of RAM, kho_verify(), kho_dma_check_content(), and
 * the writing of a snapshot. The call runs @fn with @done of @total bytes. A step that is
 * repeated starts at 0 again. @fn may be NULL.
 */
typedef void (*kho_progress_fn)(uint64_t done, uint64_t total, void *data);
void kho_source_set_progress(struct kho_source *source, kho_progress_fn fn, void *data);

/*
 * Loads the libraries that opening these files (either may be NULL) needs beyond those that libkho
 * links: for a process that will soon be unable to load libraries. Does not report a missing
 * library; opening the file does.
 */
void kho_libraries_load(const char *core, const char *vmlinux);
/* The same for kho_target_examine(), which needs them for kernels that lz4, xz or lzma packed. */
void kho_target_libraries_load(void);

/* Reads exactly @size bytes at physical @addr. Errors: READ. */
int kho_source_read(struct kho_source *source, uint64_t addr, void *buf,
		    size_t size, struct kho_error *err);

/*
 * Reads up to @max bytes of a file of the running kernel, such as "/proc/meminfo", below the
 * sysroot of @source only. Adds a NUL that *size does not count. The caller frees *out.
 * KHO_ERR_NOT_PRESENT if @source is a dump; KHO_ERR_PERMISSION, KHO_ERR_OS, KHO_ERR_NOMEM.
 */
int kho_source_read_file(const struct kho_source *source, const char *path, size_t max, char **out,
			 size_t *size, struct kho_error *err);

/* ----------------------------------------------------------------- state */

enum kho_side {
	KHO_SIDE_OUT,	/* outgoing: for the next kernel */
	KHO_SIDE_IN,	/* incoming: from the previous kernel */
};

enum kho_abi { KHO_ABI_UNKNOWN, KHO_ABI_V1, KHO_ABI_V3, KHO_ABI_V4 };

/* How the root FDT was found. */
enum kho_found_by {
	KHO_FOUND_FDT_PHYS,	/* debugfs fdt_phys: the live page itself */
	KHO_FOUND_DEBUGFS,	/* debugfs fdt: a copy, address unknown */
	KHO_FOUND_SNAPSHOT,	/* a note in a snapshot */
	KHO_FOUND_SYMBOL,	/* kallsyms */
	KHO_FOUND_SCAN,		/* a scan of RAM */
	KHO_FOUND_SETUP_DATA,	/* setup_data of an x86 kernel, incoming only */
	KHO_FOUND_DWARF,	/* symbols and debug information of a vmlinux */
};

struct kho_range {
	uint64_t addr;
	uint64_t size;
};

struct kho_subtree {
	char name[64];		/* output of kho_text(), truncated if longer */
	uint64_t addr;		/* of the blob */
	uint64_t size;		/* of the blob; KHO_SIZE_UNKNOWN with kho-v1, which has no sizes */
	uint64_t reserved[2];
};

struct kho_state;

/*
 * Reads and checks the root FDT of @side, its subtree table, the scratch table
 * and the RAM ranges. The state refers to @source, which must outlive it.
 *
 * KHO_ERR_NO_STATE: this side has no state; KHO_ERR_UNSUPPORTED: the address of the root is
 * uncertain; KHO_ERR_NO_KHO, KHO_ERR_DISABLED, KHO_ERR_NO_DEBUGFS of a live source; or WALK.
 * kho_verify_open_error() reports those that are findings.
 */
int kho_state_open(struct kho_source *source, enum kho_side side,
		   struct kho_state **out, struct kho_error *err);
void kho_state_close(struct kho_state *state);

/*
 * Makes sure that kho_state_fdt_addr() is known, with a scan of RAM if necessary. Returns
 * 0, or KHO_ERR_UNSUPPORTED if no page, or more than one, proves to be the root FDT.
 */
int kho_state_locate(struct kho_state *state, struct kho_error *err);

/*
 * Returns 1 if losing the outgoing state would lose nothing: only the root, kexec-metadata and
 * an empty list of DMA records are preserved. Returns 0 if there is more, and always with live
 * update (LUO), because even an empty list of another format stops the next kernel. Errors: MAP
 * and DMA.
 */
int kho_state_is_empty(struct kho_state *state, struct kho_error *err);

enum kho_side kho_state_side(const struct kho_state *state);
enum kho_abi kho_state_abi(const struct kho_state *state);
enum kho_found_by kho_state_found_by(const struct kho_state *state);
bool kho_state_is_live(const struct kho_state *state);
/* The root's compatible string, output of kho_text(). Owned by the state. */
const char *kho_state_compatible(const struct kho_state *state);
/* The kernel release, "" if unknown. Owned by the state. */
const char *kho_state_release(const struct kho_state *state);
/* Physical address of the root FDT, KHO_NO_ADDR if unknown. */
uint64_t kho_state_fdt_addr(const struct kho_state *state);
/* A copy of the root FDT page as read. Owned by the state. */
const void *kho_state_fdt(const struct kho_state *state, size_t *size);
uint64_t kho_state_map_addr(const struct kho_state *state);
/* Bytes of a page of the kernel: 4096, 16384 or 65536. */
unsigned int kho_state_page_size(const struct kho_state *state);

/* Arrays owned by the state; *n may be 0. Scratch is raw: in any order, with empty areas. */
const struct kho_subtree *kho_state_subtrees(const struct kho_state *state, size_t *n);
const struct kho_range *kho_state_scratch(const struct kho_state *state, size_t *n);
/*
 * Number of further subtrees, which lack the address or the size of their blob (K004), and the name of
 * the first one; NULL if there is none.
 */
size_t kho_state_bad_subtrees(const struct kho_state *state, const char **first);
/* The kernel option that sets the sizes of scratch: "kho_bootmem" since Linux 7.4, else "kho_scratch". */
const char *kho_state_scratch_option(const struct kho_state *state);
/* Sorted and merged, as kcore or dump describes RAM. */
const struct kho_range *kho_state_ram(const struct kho_state *state, size_t *n);
/*
 * False if the machine may have more RAM than kho_state_ram() lists: a dump of a part of its memory
 * does not say how much there is.
 */
bool kho_state_knows_ram(const struct kho_state *state);

/* ------------------------------------------------- preserved-memory-map */

/*
 * Sets the size of a bitmap in a kho-v1 map: 512 bytes (Linux 6.16, early 6.17) or a page
 * (kho_state_page_size()). The map does not say. Without this call, or with 0, the kernel release
 * decides; if that is not enough, reading the map fails with KHO_ERR_UNSUPPORTED. Do not call this
 * while an iterator over the map is in use. KHO_ERR_USAGE for another size, and for one that contradicts a
 * release with a known size if the state has such a map.
 */
int kho_state_set_v1_bitmap(struct kho_state *state, unsigned int bytes);

/* One stream of preserved blocks sorted by address, whatever the ABI. */
struct kho_map_iter;

/*
 * Adjacent preserved blocks of 1 << order pages each. An entry ends where a block of another order
 * begins, which keeps the blocks sorted. So blocks that touch may be in several entries.
 */
struct kho_map_entry {
	uint64_t addr;
	uint64_t size;		/* of all blocks: count * (page size << order) */
	uint64_t count;		/* blocks, at least 1 */
	unsigned int order;
	uint64_t reserved[2];
};

/* Errors: MAP. The kernel frees an incoming map after it has read it. */
int kho_map_iter_create(struct kho_state *state, struct kho_map_iter **out,
			struct kho_error *err);
/* Returns 1 with the next *entry, 0 at the end. Errors: MAP. */
int kho_map_iter_next(struct kho_map_iter *iter, struct kho_map_entry *entry,
		      struct kho_error *err);
void kho_map_iter_destroy(struct kho_map_iter *iter);

/*
 * Returns 1 if every page of [addr, addr+size) is preserved, else 0. Errors: MAP; KHO_ERR_USAGE: not
 * a valid range.
 */
int kho_map_contains(struct kho_state *state, uint64_t addr, uint64_t size,
		     struct kho_error *err);

/* Receives an address. Returns non-zero to stop. */
typedef int (*kho_addr_fn)(uint64_t addr, void *data);

/*
 * Calls @fn for each page of the map itself, sorted by address. Errors: MAP, before the first call.
 */
int kho_map_for_each_node(struct kho_state *state, kho_addr_fn fn, void *data,
			  struct kho_error *err);

/* ---------------------------------------------------- dma-alloc subtree */

enum kho_dma_fate {
	KHO_DMA_FATE_NONE, KHO_DMA_FATE_UNCLAIMED, KHO_DMA_FATE_RESTORED,
	KHO_DMA_FATE_FAILED, KHO_DMA_FATE_RELEASED,
	KHO_DMA_FATE_UNKNOWN,	/* the record's flags are damaged, or from a later kernel */
};

struct kho_dma_header {
	uint64_t addr;		/* of the header page */
	char compatible[17];
	uint64_t first_block;
	uint64_t nr_records;
	uint64_t nr_pages;
	uint64_t generation;
	uint64_t next_id;
	bool crc_ok;
	uint64_t reserved[4];
};

struct kho_dma_record {
	uint64_t record_addr;	/* of the record itself */
	uint64_t addr;		/* of the allocation */
	uint64_t size;		/* bytes that the driver asked for */
	uint64_t pages;		/* 1 << get_order(size); KHO_SIZE_UNKNOWN if no allocation has that size */
	uint64_t attrs;		/* DMA_ALLOC_ATTR_* bits of libkho/abi/dma_alloc.h */
	uint64_t dma_addr;
	uint64_t id;		/* the driver's cookie */
	uint64_t content_digest; /* XXH64; valid if sealed */
	uint64_t flags;		/* DMA_ALLOC_* flags and their complement, in one word */
	bool crc_ok;		/* if false, only record_addr is reliable */
	bool flags_ok;		/* if false, sealed, carried_over and fate are unknown */
	bool fields_ok;		/* names are terminated, reserved bytes are 0 */
	bool sealed, carried_over;
	bool preserved;		/* not known to be restored or released */
	enum kho_dma_fate fate;	/* of an incoming record; NONE in an outgoing one */
	char device[161];	/* output of kho_text(), like tag */
	char tag[65];
	uint64_t reserved[4];
};

struct kho_dma_iter;

/* Errors: DMA. KHO_ERR_NOT_FOUND: nothing was preserved. A wrong checksum only clears crc_ok. */
int kho_dma_read_header(struct kho_state *state, struct kho_dma_header *header,
			struct kho_error *err);

/*
 * Iterates over all records of the state's side in the order of the chain, whatever their fate,
 * damaged ones included. Errors: DMA.
 */
int kho_dma_iter_create(struct kho_state *state, struct kho_dma_iter **out,
			struct kho_error *err);
/* Returns 1 with the next *record, 0 at the end. Errors: WALK. */
int kho_dma_iter_next(struct kho_dma_iter *iter, struct kho_dma_record *record,
		      struct kho_error *err);
void kho_dma_iter_destroy(struct kho_dma_iter *iter);
/*
 * Reads the record at @record_addr, which an iterator returned, once more. On a live source, another
 * record may have replaced it: compare the id. Errors: READ.
 */
int kho_dma_read_record(struct kho_state *state, uint64_t record_addr, struct kho_dma_record *record,
			struct kho_error *err);

/*
 * Returns 0 if the memory of @record still belongs to the allocation: in an outgoing state, it is
 * preserved; in an incoming one, nobody released it. KHO_ERR_CORRUPT: the record is damaged;
 * KHO_ERR_NOT_PRESENT: the memory is not RAM, or no longer the allocation's; or MAP.
 */
int kho_dma_check_memory(struct kho_state *state, const struct kho_dma_record *record,
			 struct kho_error *err);

/*
 * Returns 1 if the kernel that received @state has given a fate to any of its records. A kernel without
 * proof/ of the series gives none, whether it takes records over or does not know the subtree. If
 * others have a fate, a record with KHO_DMA_FATE_NONE was not taken over. 0: none has one. Errors: DMA, WALK.
 */
int kho_dma_has_fates(struct kho_state *state, struct kho_error *err);

/*
 * Counts the allocations of @incoming that the next kexec loses, because the running kernel
 * neither took them over nor hands them over. @outgoing is its own state, NULL if it has none. An
 * error means that there may be some: the records have an unknown format
 * (KHO_ERR_UNSUPPORTED), or the end of their chain is unreadable.
 */
int kho_dma_left_behind(struct kho_state *incoming, struct kho_state *outgoing,
			uint64_t *records, struct kho_error *err);

/* Returns 1 if the content matches the sealed digest, else 0. Errors: READ, KHO_ERR_NOMEM. */
int kho_dma_check_content(struct kho_state *state,
			  const struct kho_dma_record *record,
			  struct kho_error *err);

/* Writes, for example, "weak-ordering,write-combine" to @buf, "-" if no bit is set. Returns @buf. */
char *kho_dma_attrs_format(uint64_t attrs, char *buf, size_t size);

/* ----------------------------------------------------------------- devices */

/* A PCI device of the running kernel. */
struct kho_device {
	char name[32];		/* "0000:00:1e.0" */
	char driver[64];	/* "" if it has none */
	bool bridge;		/* class 0x06: may master without a driver */
	bool masters;		/* bus mastering is on */
	bool forwards;		/* has a bus behind it: masters for the devices there */
	int keeps;		/* 1: the kernel leaves bus mastering on over a kexec; 0: it clears
				 * it; -1: unknown, the kernel has no kexec_keep_master */
	uint64_t reserved[4];
};

/*
 * Reads all PCI devices of the running kernel, sorted by name, from sysfs below @sysroot (NULL
 * or "" for "/"). The caller frees *out. *n is 0 on a machine without PCI.
 *
 * KHO_ERR_FORMAT: sysfs has unexpected content; KHO_ERR_PERMISSION, KHO_ERR_OS, KHO_ERR_NOMEM.
 */
int kho_devices_read(const char *sysroot, struct kho_device **out, size_t *n,
		     struct kho_error *err);

/* The device @name in an array of kho_devices_read(), NULL if missing. */
const struct kho_device *kho_devices_find(const struct kho_device *devices, size_t n,
					  const char *name);

/* The device of @record in such an array, NULL if missing. */
const struct kho_device *kho_devices_find_of(const struct kho_device *devices, size_t n,
					     const struct kho_dma_record *record);

/* True if bus mastering of the device is on and stays on over a kexec. */
bool kho_device_keeps_mastering(const struct kho_device *device);

/* ------------------------------------------------------ subtrees, decoded */

enum kho_item_type {
	KHO_ITEM_GROUP,		/* contains the items of greater depth that follow */
	KHO_ITEM_TEXT,
	KHO_ITEM_NUMBER,
	KHO_ITEM_HEX,		/* a number to show in hexadecimal: flags, handles */
	KHO_ITEM_SIZE,		/* bytes */
	KHO_ITEM_MEMORY,	/* [value, value + size): handed over, so it must be preserved */
	KHO_ITEM_BYTES,		/* size raw bytes, at address value (or KHO_NO_ADDR) */
	KHO_ITEM_UNKNOWN,	/* an unknown format: text is the name that it gives itself */
};

/* One item of a subtree. Valid during the callback only. */
struct kho_item {
	unsigned int depth;	/* 0: top level of the subtree */
	enum kho_item_type type;
	char name[64];
	char text[128];		/* kho_text() output, like name; GROUP: its kind; MEMORY: a remark */
	uint64_t value;
	uint64_t size;
	const unsigned char *bytes;
};

/* Receives an item. Returns non-zero to stop. */
typedef int (*kho_item_fn)(const struct kho_item *item, void *data);

/*
 * Calls @fn for each item of @subtree (one of kho_state_subtrees()), in order, until it
 * returns non-zero. Decodes memblock, LUO with memfds, kexec-metadata, kho_test and the header of
 * dma-alloc; shows another blob as FDT properties or as bytes. Follows every link at most
 * once, so the size of the source bounds the work.
 *
 * In an outgoing state, reads only preserved memory. In an incoming one, reads only blobs that their
 * owners leave as they arrived, and follows no link: kernel and drivers free what they have
 * taken. A text item with the name "not read" stands for what it did not read.
 *
 * Errors: WALK; @fn has received the items before the error.
 */
int kho_subtree_decode(struct kho_state *state, const struct kho_subtree *subtree,
		       kho_item_fn fn, void *data, struct kho_error *err);

/* ---------------------------------------------------------------- verify */

enum kho_severity {
	KHO_SEVERITY_INFO,
	KHO_SEVERITY_WARNING,
	KHO_SEVERITY_ERROR,	/* state would be lost or is damaged */
	KHO_SEVERITY_FATAL,	/* the next kernel would corrupt memory or not come up */
};

const char *kho_severity_name(enum kho_severity severity);

/* The subject of a rule: the first digit of its number, in this order. */
enum kho_area {
	KHO_AREA_ROOT,		/* K0xx */
	KHO_AREA_MAP,
	KHO_AREA_SCRATCH,
	KHO_AREA_SUBTREES,
	KHO_AREA_DMA,
	KHO_AREA_BOOT,		/* the state in the kernel that received it */
	KHO_AREA_TARGET,
	KHO_AREA_KEXEC,		/* reported by kexec --kho, not by libkho */
};

/* KHO_RULE_K401 is 401. */
enum kho_rule_number {
#define KHO_RULE(number, area, severity, sentence) KHO_RULE_K##number = 1##number - 1000,
#include "kho_rules.def"
#undef KHO_RULE
};

struct kho_rule {
	const char *id;		/* "K401" */
	enum kho_rule_number number;
	enum kho_area area;
	enum kho_severity severity;
	const char *title;	/* one sentence */
	uint64_t reserved[2];
};

/* The table of all rules, in order of number. Static. */
const struct kho_rule *kho_rules(size_t *n);
/* The rule with this number, NULL if there is none. */
const struct kho_rule *kho_rule_get(enum kho_rule_number number);
/* The rule with this id, such as "K401"; NULL if there is none. */
const struct kho_rule *kho_rule_find(const char *id);

/* The outcome of a rule that a finding reports. */
enum kho_outcome {
	KHO_OUTCOME_FOUND,		/* the rule is broken */
	KHO_OUTCOME_NOT_JUDGED,		/* the rule could not be evaluated, so it did not pass */
	KHO_OUTCOME_NOT_APPLICABLE,	/* such a source cannot show it: casts no doubt on the state */
};

struct kho_finding {
	const struct kho_rule *rule;
	enum kho_severity severity;	/* of this finding; may be lower than the rule's */
	enum kho_outcome outcome;
	uint64_t count;		/* 1; in a rule's last finding, the number of those not listed */
	uint64_t addr;		/* or KHO_NO_ADDR */
	uint64_t record_id;	/* or 0 */
	char message[256];
	char remedy[160];
};

/* Findings of a rule that the library lists; it only counts more than that. */
#define KHO_FINDINGS_LISTED	100

/* Receives a finding, which is valid during the callback only. Returns non-zero to stop. */
typedef int (*kho_finding_fn)(const struct kho_finding *finding, void *data);

struct kho_verify_options {
	bool skip_content;	/* do not read sealed content */
	/*
	 * Called repeatedly while sealed content is read, or NULL. After it returns false, the
	 * library reads no more content and reports K413 as not evaluated; other rules still run.
	 */
	bool (*content_time_left)(void *data);
	void *content_data;
	/* rd.kho.expect: what the previous kernel promised to hand over */
	bool have_expect;
	uint64_t expect_records;
	uint64_t expect_generation;
	bool claims;		/* judge unclaimed records (K5xx): only when drivers have started */
	const char *const *only;	/* NULL-terminated rule ids, or NULL */
	const char *const *ignore;
	uint64_t reserved[8];	/* 0, or KHO_ERR_USAGE */
};

/* A count that is unknown. */
#define KHO_COUNT_UNKNOWN	UINT64_MAX

struct kho_verify_summary {
	size_t findings[4];	/* KHO_OUTCOME_FOUND by severity, with those not listed */
	size_t unevaluated;	/* KHO_OUTCOME_NOT_JUDGED */
	size_t not_applicable;
	size_t rules;		/* rules that were applied to everything that they are about */
	uint64_t records, pages;	/* or KHO_COUNT_UNKNOWN */
	uint64_t preservations;	/* as count in struct kho_map_entry; or KHO_COUNT_UNKNOWN */
	/* incoming allocations with finding K501 (needs claims) and K502, or KHO_COUNT_UNKNOWN */
	uint64_t unclaimed, refused;
	size_t grave_unevaluated;	/* the unevaluated rules of severity error or fatal */
	uint64_t reserved[4];
};

/*
 * Runs the rules over @state and calls @fn for each finding. Returns 0 if the rules ran,
 * whatever they found; *summary counts the findings. On a live source, this reads the root FDT
 * again, which may change the array of kho_state_subtrees(), and calls @fn at the end with those
 * findings that two runs in a row agree on.
 *
 * KHO_ERR_USAGE: @options leave no rule to run, name a rule about something else, select one that
 * they also exclude, or leave out each rule about claims or the expected state that they ask for; or a rule in @only was neither evaluated here nor reported as not judged, which
 * shows after @fn was called. KHO_ERR_NOMEM; on a live source WALK, for its root.
 */
int kho_verify(struct kho_state *state, const struct kho_verify_options *options,
	       kho_finding_fn fn, void *data,
	       struct kho_verify_summary *summary, struct kho_error *err);

/*
 * Reports that no incoming state exists (K510), although options say that some was expected or,
 * without have_expect, the caller knows that some was left for this kernel. @reason is the error
 * of kho_state_open(), or NULL: only KHO_ERR_NO_STATE proves that nothing came. KHO_ERR_USAGE:
 * @options exclude K510, or select another rule.
 */
int kho_verify_absent(const struct kho_verify_options *options,
		      const struct kho_error *reason,
		      kho_finding_fn fn, void *data, struct kho_verify_summary *summary,
		      struct kho_error *err);

/*
 * Reports that kho_state_open() failed with @reason (K001), if @reason is about the data and
 * not about the environment. Returns 1 if it reported a finding, else 0.
 */
int kho_verify_open_error(const struct kho_error *reason,
			  kho_finding_fn fn, void *data, struct kho_verify_summary *summary);

/* The option by which a kernel promises state to the next one's initramfs. */
#define KHO_EXPECT_OPTION	"rd.kho.expect"

/* Parses its value, "<count>,<generation>". KHO_ERR_USAGE: malformed. */
int kho_expect_parse(const char *text, uint64_t *records, uint64_t *generation);

/* ----------------------------------------------------- kernel command line */

/*
 * One option of a kernel command line, split as next_arg() in lib/cmdline.c of Linux 7.3
 * splits it: double quotes protect white space, "opt=val" and opt="val" are the same
 * option, and white space includes \v, \f and 0xa0. The pointers point into the command
 * line; the strings are not terminated.
 */
struct kho_cmdline_arg {
	const char *name;
	size_t name_len;
	const char *value;	/* without its quotes; NULL without "=" */
	size_t value_len;
	const char *text;	/* the whole option, quotes included */
	size_t text_len;
	bool unclosed;		/* a quote is still open at the end of the line */
	uint64_t reserved[2];
};

/*
 * Takes the next option off *@rest, which starts as the command line. Returns false at the
 * end. Options of init, after "--", are included.
 */
bool kho_cmdline_next(const char **rest, struct kho_cmdline_arg *arg);

/* True if this is option @name; "-" and "_" are the same character in names. */
bool kho_cmdline_is(const struct kho_cmdline_arg *arg, const char *name);

/* True if @arg is the "--" that ends the kernel's options. */
bool kho_cmdline_is_end(const struct kho_cmdline_arg *arg);

/* Finds the last option @name before "--". Returns false if there is none. */
bool kho_cmdline_find(const char *cmdline, const char *name, struct kho_cmdline_arg *out);

/*
 * Value of the boolean option @name, such as "kho": the last value that the kernel's
 * kstrtobool() accepts. Returns 1, 0, or -1 if no option sets it.
 */
int kho_cmdline_bool(const char *cmdline, const char *name);

/*
 * Returns 1 if the command line sets the sizes of scratch with @option (kho_state_scratch_option()),
 * 0 if the option is not there, -1 if the kernel rejects each value that it has.
 */
int kho_cmdline_scratch(const char *cmdline, const char *option);

/* ----------------------------------------------------------- target image */

/*
 * How a kernel uses the options that are built in (CONFIG_CMDLINE, and CONFIG_CMDLINE_FROM_BOOTCONFIG
 * of Linux 7.3, which this library cannot read).
 */
enum kho_builtin_cmdline {
	KHO_BUILTIN_NONE,	/* none, or the image has no configuration */
	KHO_BUILTIN_FIRST,	/* before the line of the loader (x86) */
	KHO_BUILTIN_DEFAULT,	/* if the loader gives none (arm64) */
	KHO_BUILTIN_ONLY,	/* instead of the line of the loader */
	KHO_BUILTIN_UNKNOWN,	/* there are options that this library cannot read */
};

struct kho_target {
	char format[16];	/* "bzImage", "vmlinux", "Image"; "UKI (bzImage)" */
	char release[128];	/* kernel release, "" if unknown */
	bool has_kho;		/* KHO compiled in */
	bool kho_default_on;	/* CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT, if config_known */
	bool config_known;	/* the image says how these two were configured */
	char root_compatible[32]; /* "kho-v4", output of kho_text(); "" if none */
	char luo_compatible[32];  /* the same */
	char dma_compatible[32];
	uint64_t memory_size;	/* contiguous bytes that it needs to unpack itself; 0 if unknown */
	uint64_t memory_align;	/* alignment of these; 0 if unknown */
	uint64_t memory_min;	/* lowest address for these */
	unsigned int page_size;	/* in bytes; 0 if unknown */
	bool has_cmdline;	/* a UKI with a command line, which kexec does not use */
	uint64_t initrd_size;	/* initrd in a UKI, which kexec loads if it gets no other; 0: none */
	enum kho_builtin_cmdline builtin_use;
	char builtin_cmdline[2048]; /* COMMAND_LINE_SIZE of x86 and arm64 */
	unsigned int machine;	/* ELF number of the architecture; 0: unknown */
	uint64_t reserved[7];
};

/*
 * Reads what a kernel image says about KHO: bzImage, vmlinux, arm64 Image and zboot image,
 * compressed or not, or a UKI with one of these except a vmlinux. Trusts the kernel_info of a
 * bzImage (chunk KHO1, see the x86 boot protocol in kernel-patches/) without decompressing it.
 * Decompresses another bzImage that has KHO only up to the strings it needs, which does
 * not prove that the rest is intact.
 *
 * KHO_ERR_UNSUPPORTED: another kind of image; a UKI with several kernels or initrds, among which the
 * boot loader chooses, or with a kernel that kexec cannot load from there; KHO_ERR_FORMAT,
 * KHO_ERR_CORRUPT, KHO_ERR_NOMEM, KHO_ERR_PERMISSION, KHO_ERR_OS.
 */
int kho_target_read(const char *path, struct kho_target *out, struct kho_error *err);

/*
 * The same for @size bytes at @data. Messages call the image @name. KHO_ERR_UNSUPPORTED,
 * KHO_ERR_FORMAT, KHO_ERR_CORRUPT, KHO_ERR_NOMEM.
 */
int kho_target_examine(const void *data, size_t size, const char *name,
		       struct kho_target *out, struct kho_error *err);

/*
 * True if the image is for another architecture than the state (K611). False if one of the two is
 * unknown.
 */
bool kho_target_is_foreign(const struct kho_state *state, const struct kho_target *target);

/*
 * Returns 1 if kexec_file_load finds room in the scratch areas for this kernel with an
 * initrd of @initrd_size bytes (0: none), 0 if not, KHO_ERR_UNSUPPORTED if the image does
 * not give its size. @scratch is the table in its own order, empty areas included.
 */
int kho_target_fits(const struct kho_target *target, uint64_t initrd_size,
		    const struct kho_range *scratch, size_t nr_scratch);

/*
 * Returns 1 if the scratch areas have room for a crash kernel of @size bytes in one piece, for the
 * kernel itself, its initrd of @initrd_size bytes and an area for DMA (CMA) of @cma_size bytes (0: none),
 * which the target reserves first; 0 if not, KHO_ERR_UNSUPPORTED if this is unknown. An area for DMA
 * that does not fit is left out, as the target does it. @target may be NULL: the alignment is that of x86
 * then, and the kernel's own size does not count.
 */
int kho_target_crash_fits(const struct kho_target *target, uint64_t initrd_size, uint64_t cma_size,
			  uint64_t size, const struct kho_range *scratch, size_t nr_scratch);

/*
 * How a loader will load the target. Zero and NULL mean "unknown"; use an initializer, so that new
 * members are zero.
 */
struct kho_target_load {
	const char *cmdline;	/* line of the loader, which the target may combine with its own */
	uint64_t initrd_size;	/* in bytes, if initrd_known */
	bool initrd_known;
	uint64_t reserved[8];
};

/*
 * Runs the K6xx rules: compares the target and its load with the outgoing state. @load may be NULL.
 * Without a command line, only a built-in one that replaces that of any loader (KHO_BUILTIN_ONLY) is
 * judged. KHO_ERR_USAGE: state, target or summary is NULL.
 */
int kho_target_verify(struct kho_state *state, const struct kho_target *target,
		      const struct kho_target_load *load,
		      kho_finding_fn fn, void *data, struct kho_verify_summary *summary,
		      struct kho_error *err);

/* --------------------------------------------------------------- snapshot */

/*
 * Writes an ELF core with KHO's metadata and with notes for release, page size, side, address
 * of the root FDT, scratch and RAM. Zeroes fill the rest of each page. Creates a new file with mode 0600, and
 * writes the whole file or nothing (see kho_output_commit()). kho_source_open_file() reads it.
 *
 * From an outgoing state it takes only preserved memory, from an incoming one only memory that
 * is still as it arrived, and the map's own pages in either case. It leaves out blobs of unknown
 * formats, which may be content. On a live machine, the metadata (not content) shows one moment;
 * KHO_ERR_NOT_PRESENT if the state changed during each try.
 */
int kho_snapshot_write(struct kho_state *state, const char *path,
		       struct kho_error *err);

struct kho_snapshot_options {
	const uint64_t *ids;	/* of records: include the content of their allocations */
	size_t nr_ids;
	bool unknown_blobs;	/* include up to 64 KiB of each blob of an unknown format */
	uint64_t reserved[8];	/* 0, or KHO_ERR_USAGE */
};

/*
 * The same to an output opened with KHO_OUTPUT_SEEKABLE. The caller commits it or, on error,
 * discards it. KHO_ERR_NOT_FOUND: no record has that id; KHO_ERR_NOT_PRESENT: part of its content is
 * unreadable; or the errors of kho_dma_check_memory().
 */
struct kho_output;
int kho_snapshot_write_to(struct kho_state *state, struct kho_output *output,
			  const struct kho_snapshot_options *options, struct kho_error *err);

#ifdef __cplusplus
}
#endif

#endif /* KHO_H */
