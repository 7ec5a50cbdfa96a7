/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libkho - read and verify Kexec HandOver (KHO) state.
 *
 * Data flows one way: source -> state (root FDT, scratch, RAM) -> preserved
 * memory map and subtrees -> verify. The library never prints, never exits, has
 * no global state and is thread-compatible: an object may be used by one thread
 * at a time.
 *
 * Errors: every function that can fail returns 0 (or a documented count >= 0)
 * on success and a negative enum kho_error_code on failure. Where it takes a
 * struct kho_error pointer (which may be NULL) it fills it on failure only.
 * Out-parameters come last and are written on success only. Objects are made
 * by _open/_create and released by _close/_destroy, which accept NULL.
 *
 * Structures that callers allocate end in reserved words, into which they can grow. The library
 * leaves those of what it fills in undefined. Callers set those of options to 0, by initialising
 * them; a library that does not know what a newer program asks for refuses it.
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
	/* the environment: nothing was learned about the state */
	KHO_ERR_OS = -1,		/* a system call failed; see os_errno */
	KHO_ERR_NOMEM = -2,
	KHO_ERR_PERMISSION = -3,	/* root (CAP_SYS_RAWIO) or lockdown */
	KHO_ERR_NO_KHO = -4,		/* this kernel is built without KHO */
	KHO_ERR_DISABLED = -5,		/* KHO is there but off (kho=on missing) */
	KHO_ERR_NO_DEBUGFS = -6,	/* debugfs is not mounted */
	KHO_ERR_NO_KCORE = -7,		/* no /proc/kcore */
	KHO_ERR_NO_STATE = -8,		/* no such side: booted without a hand-over */
	KHO_ERR_USAGE = -9,		/* wrong argument from the caller */
	/* the place: what was asked for is not readable */
	KHO_ERR_NOT_PRESENT = -10,	/* this address is not in the source */
	KHO_ERR_FORMAT = -11,		/* the file is no dump that we can read */
	KHO_ERR_UNSUPPORTED = -12,	/* a format or version that we do not know */
	/* the data: read, and wrong */
	KHO_ERR_CORRUPT = -13,
	KHO_ERR_LOOP = -14,		/* a chain or tree refers to itself or is too long */
	KHO_ERR_NOT_FOUND = -15,	/* no such subtree, record, ... */
	/* the caller */
	KHO_ERR_STOPPED = -16,		/* its call-back ended what was going on */
};

/*
 * Most functions fail in one of these ways, and say so by the name:
 *
 * READ	KHO_ERR_NOT_PRESENT: the address is not in the source; KHO_ERR_OS, KHO_ERR_PERMISSION: the
 *	system could not read it.
 * WALK	READ; KHO_ERR_CORRUPT, KHO_ERR_LOOP: what was read is wrong; KHO_ERR_NOMEM.
 * MAP	WALK; KHO_ERR_UNSUPPORTED: the format of the map is not known, or which of two it is;
 *	KHO_ERR_NOT_PRESENT without an address: an incoming state has no map.
 * DMA	WALK; KHO_ERR_NOT_FOUND: there is no list of DMA records; KHO_ERR_UNSUPPORTED: there is one
 *	of a format that is not known.
 */

#define KHO_NO_ADDR UINT64_MAX
#define KHO_SIZE_UNKNOWN UINT64_MAX

struct kho_error {
	int code;		/* enum kho_error_code */
	int os_errno;		/* 0 where no system call is to blame */
	uint64_t addr;		/* physical address concerned, or KHO_NO_ADDR */
	char message[256];	/* one line, no newline: what failed on which object */
	char remedy[160];	/* one line: what to do; may be empty */
	uint64_t reserved[2];
};

/* Short text of a code; answers for KHO_OK and unknown codes too. */
const char *kho_strerror(int code);

/* --------------------------------------------------------------- sources */

/* Where physical memory is read. */
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
 * An ELF core with physical addresses in p_paddr: a snapshot, a vmcore, or
 * QEMU's dump-guest-memory; or a compressed dump of makedumpfile, for which
 * libkdumpfile is loaded (KHO_ERR_UNSUPPORTED without it). A page that is not in it, or beyond
 * the end of a file that was cut short, is "not present", never 0. No file is mapped. A dump
 * without notes of KHO has no scratch table, and its root is found by a scan.
 *
 * KHO_ERR_FORMAT: it is no dump, or one that is damaged; KHO_ERR_UNSUPPORTED: a dump of a kind, or of
 * a machine, that is not read; KHO_ERR_CORRUPT: a snapshot with notes that are wrong;
 * KHO_ERR_PERMISSION, KHO_ERR_OS, KHO_ERR_NOMEM.
 */
int kho_source_open_file(const char *path, struct kho_source **out,
			 struct kho_error *err);

void kho_source_close(struct kho_source *source);

/*
 * Lets the root FDT be found by @path, the vmlinux of the very kernel that @source is of, with
 * symbols and debug information: where the kernel, or the dump, does not say itself where it
 * is, and before RAM is looked through. Before kho_state_open(). What is found so has to prove
 * itself like what is found otherwise. libdw is loaded for that. Without effect on a snapshot,
 * which says it. The file is not needed any more afterwards.
 *
 * KHO_ERR_USAGE: its build id is another one; KHO_ERR_UNSUPPORTED: one of both has none, or the
 * source does not tell where the kernel was put, or there is no libdw; KHO_ERR_NOT_FOUND: its
 * symbols or its debug information do not have what it takes; KHO_ERR_FORMAT: it is no
 * vmlinux; or an error of the system. Nothing has changed then.
 */
int kho_source_set_vmlinux(struct kho_source *source, const char *path,
			   struct kho_error *err);

/*
 * Tells how far something has come that may take long: @done of @total bytes, from inside
 * the call that does it: a scan of RAM, kho_verify(), kho_dma_check_content(), and the
 * writing of a snapshot. What is done again begins again. @fn may be NULL.
 */
typedef void (*kho_progress_fn)(uint64_t done, uint64_t total, void *data);
void kho_source_set_progress(struct kho_source *source, kho_progress_fn fn, void *data);

/*
 * Loads the libraries that the opening of these files (either may be NULL) takes besides what this
 * library links: for a process that is about to give up the loading of libraries. That one is missing
 * is for the opening to say.
 */
void kho_libraries_load(const char *core, const char *vmlinux);

/* Reads exactly @size bytes at physical @addr. Errors: READ. */
int kho_source_read(struct kho_source *source, uint64_t addr, void *buf,
		    size_t size, struct kho_error *err);

/*
 * One file of the running kernel that @source is the memory of ("/proc/meminfo"), below its sysroot
 * and nowhere else, with a NUL, in *out, which the caller frees. KHO_ERR_NOT_PRESENT where @source
 * is a file itself, or an error of the system.
 */
int kho_source_read_file(const struct kho_source *source, const char *path, size_t max, char **out,
			 size_t *size, struct kho_error *err);

/* ----------------------------------------------------------------- state */

enum kho_side {
	KHO_SIDE_OUT,	/* what the running kernel will hand over */
	KHO_SIDE_IN,	/* what the running kernel was handed */
};

enum kho_abi { KHO_ABI_UNKNOWN, KHO_ABI_V1, KHO_ABI_V3, KHO_ABI_V4 };

/* How the root FDT was found. */
enum kho_found_by {
	KHO_FOUND_FDT_PHYS,	/* debugfs fdt_phys: the live page itself */
	KHO_FOUND_DEBUGFS,	/* debugfs fdt: a copy, address unknown */
	KHO_FOUND_SNAPSHOT,	/* a note in a snapshot */
	KHO_FOUND_SYMBOL,	/* kallsyms */
	KHO_FOUND_SCAN,		/* a scan of RAM */
	KHO_FOUND_SETUP_DATA,	/* what the loader of an x86 kernel left, incoming only */
	KHO_FOUND_DWARF,	/* symbols and debug information of a vmlinux */
};

struct kho_range {
	uint64_t addr;
	uint64_t size;
};

struct kho_subtree {
	char name[64];		/* as kho_text() makes it; cut off where it is longer */
	uint64_t addr;		/* of the blob */
	uint64_t size;		/* of the blob; KHO_SIZE_UNKNOWN where kho-v1 does not say it */
};

struct kho_state;

/*
 * Reads and checks the root FDT of @side, its subtree table, the scratch table
 * and the RAM ranges. The state refers to @source, which must outlive it.
 *
 * KHO_ERR_NO_STATE: there is none on this side; KHO_ERR_UNSUPPORTED: nothing says for certain where
 * the root is; KHO_ERR_NO_KHO, KHO_ERR_DISABLED, KHO_ERR_NO_DEBUGFS of a live source; or WALK.
 * kho_verify_open_error() tells which of them are findings.
 */
int kho_state_open(struct kho_source *source, enum kho_side side,
		   struct kho_state **out, struct kho_error *err);
void kho_state_close(struct kho_state *state);

/*
 * Makes sure that kho_state_fdt_addr() is known, by a scan of RAM if need be. Returns
 * 0, or KHO_ERR_UNSUPPORTED where no page, or more than one, is certain to be it.
 */
int kho_state_locate(struct kho_state *state, struct kho_error *err);

/*
 * Returns 1 if nothing would be lost with the outgoing state: all that is preserved is the root,
 * what every kernel says of itself (kexec-metadata), and a list of DMA allocations without an
 * entry. 0 if there is more, and always with live update, where even an empty list of another
 * format stops the next kernel. An error of reading where it cannot be determined.
 */
int kho_state_is_empty(struct kho_state *state, struct kho_error *err);

enum kho_side kho_state_side(const struct kho_state *state);
enum kho_abi kho_state_abi(const struct kho_state *state);
enum kho_found_by kho_state_found_by(const struct kho_state *state);
bool kho_state_is_live(const struct kho_state *state);
/* The root's compatible string as kho_text() makes it. Owned by the state. */
const char *kho_state_compatible(const struct kho_state *state);
/* Kernel release that the source names ("" if unknown). Owned by the state. */
const char *kho_state_release(const struct kho_state *state);
/* Physical address of the root FDT, or KHO_NO_ADDR where unknown. */
uint64_t kho_state_fdt_addr(const struct kho_state *state);
/* A copy of the root FDT page as read. Owned by the state. */
const void *kho_state_fdt(const struct kho_state *state, size_t *size);
uint64_t kho_state_map_addr(const struct kho_state *state);
unsigned int kho_state_page_size(const struct kho_state *state);

/* Arrays owned by the state; *n may be 0. Scratch is raw: any order, size 0 legal. */
const struct kho_subtree *kho_state_subtrees(const struct kho_state *state, size_t *n);
const struct kho_range *kho_state_scratch(const struct kho_state *state, size_t *n);
/* The option of the kernel that sets their sizes: "kho_bootmem" since Linux 7.4, else "kho_scratch". */
const char *kho_state_scratch_option(const struct kho_state *state);
/* Sorted, merged; where the source tells what is RAM (kcore, dump). */
const struct kho_range *kho_state_ram(const struct kho_state *state, size_t *n);

/* ------------------------------------------------- preserved-memory-map */

/*
 * Maps of kho-v1 have bitmaps of 512 bytes (Linux 6.16, early 6.17) or of a page (4096),
 * and do not say of which. Where the kernel's release does not tell either, reading the map
 * fails with KHO_ERR_UNSUPPORTED until this says it; 0 goes back to asking the release.
 * Not while an iterator over the map is in use. KHO_ERR_USAGE for another size.
 */
int kho_state_set_v1_bitmap(struct kho_state *state, unsigned int bytes);

/* One stream of ranges sorted by address, whatever the ABI. */
struct kho_map_iter;

struct kho_map_entry {
	uint64_t addr;
	uint64_t size;
	unsigned int order;	/* as preserved: size == page size << order */
};

/* Errors: MAP. The kernel frees the pages of an incoming map once it has read them. */
int kho_map_iter_create(struct kho_state *state, struct kho_map_iter **out,
			struct kho_error *err);
/* 1: *entry is the next one; 0: end; negative: the map cannot be read on. Errors: MAP. */
int kho_map_iter_next(struct kho_map_iter *iter, struct kho_map_entry *entry,
		      struct kho_error *err);
void kho_map_iter_destroy(struct kho_map_iter *iter);

/*
 * 1 when every page of [addr, addr+size) is preserved, 0 when not. Errors: MAP; KHO_ERR_USAGE: that
 * is no range.
 */
int kho_map_contains(struct kho_state *state, uint64_t addr, uint64_t size,
		     struct kho_error *err);

/* Takes an address. Non-zero: no more of them are wanted. */
typedef int (*kho_addr_fn)(uint64_t addr, void *data);

/*
 * Calls @fn for each page that the map itself lives on, in the order of addresses. Errors: MAP,
 * before the first call.
 */
int kho_map_for_each_node(struct kho_state *state, kho_addr_fn fn, void *data,
			  struct kho_error *err);

/* ---------------------------------------------------- dma-alloc subtree */

enum kho_dma_fate {
	KHO_DMA_FATE_NONE, KHO_DMA_FATE_UNCLAIMED, KHO_DMA_FATE_RESTORED,
	KHO_DMA_FATE_FAILED, KHO_DMA_FATE_RELEASED,
	KHO_DMA_FATE_UNKNOWN,	/* the record's flags are damaged, or of a later kernel */
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
	uint64_t size;		/* bytes asked for */
	uint64_t pages;		/* 1 << get_order(size); KHO_SIZE_UNKNOWN if no allocation has that size */
	uint64_t attrs;		/* DMA_ALLOC_ATTR_* bits of libkho/abi/dma_alloc.h */
	uint64_t dma_addr;
	uint64_t id;		/* the driver's cookie */
	uint64_t content_digest; /* XXH64; meaningful when sealed */
	uint64_t flags;		/* the word of DMA_ALLOC_* flags and their complement */
	bool crc_ok;		/* if not, nothing here but record_addr can be believed */
	bool flags_ok;		/* if not, sealed, carried_over and fate are not known */
	bool fields_ok;		/* names are terminated, reserved bytes are 0 */
	bool sealed, carried_over;
	bool preserved;		/* neither restored nor released, as far as is known */
	enum kho_dma_fate fate;	/* incoming; outgoing records have none */
	char device[161];	/* as kho_text() makes it: bytes that are no text come as "\xNN" */
	char tag[65];
	uint64_t reserved[4];
};

struct kho_dma_iter;

/* Errors: DMA. KHO_ERR_NOT_FOUND says that nothing was preserved. A wrong checksum is none. */
int kho_dma_read_header(struct kho_state *state, struct kho_dma_header *header,
			struct kho_error *err);

/*
 * The records of the state's side, whatever their fate and whether they are damaged or not,
 * in the order of the chain. Errors: DMA.
 */
int kho_dma_iter_create(struct kho_state *state, struct kho_dma_iter **out,
			struct kho_error *err);
/* 1: *record is the next one; 0: end; negative: the chain cannot be read on. Errors: WALK. */
int kho_dma_iter_next(struct kho_dma_iter *iter, struct kho_dma_record *record,
		      struct kho_error *err);
void kho_dma_iter_destroy(struct kho_dma_iter *iter);
/*
 * Reads the record again that an iterator found at @record_addr. On a live source it
 * may be another one by now: compare the id.
 */
int kho_dma_read_record(struct kho_state *state, uint64_t record_addr, struct kho_dma_record *record,
			struct kho_error *err);

/*
 * Makes sure that the memory of @record is still that allocation's: preserved, of an outgoing
 * state, and not released by its driver, of an incoming one. KHO_ERR_CORRUPT where the record is
 * damaged, KHO_ERR_NOT_PRESENT where the memory is not RAM or not the allocation's any more; or MAP.
 */
int kho_dma_check_memory(struct kho_state *state, const struct kho_dma_record *record,
			 struct kho_error *err);

/*
 * Counts the allocations of @incoming that the running kernel has not taken over and does not hand
 * on, so that the next kexec loses them. @outgoing is its own state, or NULL if it has none. An
 * error means that there may be some: the format of the records is not known to this
 * library (KHO_ERR_UNSUPPORTED), or their chain cannot be read to its end.
 */
int kho_dma_left_behind(struct kho_state *incoming, struct kho_state *outgoing,
			uint64_t *records, struct kho_error *err);

/* 1 when the content has the sealed digest, 0 when not. Errors: READ, KHO_ERR_NOMEM. */
int kho_dma_check_content(struct kho_state *state,
			  const struct kho_dma_record *record,
			  struct kho_error *err);

/* "weak-ordering,write-combine" and the like into @buf; "-" for none. Returns @buf. */
char *kho_dma_attrs_format(uint64_t attrs, char *buf, size_t size);

/* ------------------------------------------------------ subtrees, decoded */

enum kho_item_type {
	KHO_ITEM_GROUP,		/* items of greater depth that follow are its own */
	KHO_ITEM_TEXT,
	KHO_ITEM_NUMBER,
	KHO_ITEM_HEX,		/* a number that is better read so: flags, handles */
	KHO_ITEM_SIZE,		/* bytes */
	KHO_ITEM_MEMORY,	/* [value, value + size): handed over, so it has to be preserved */
	KHO_ITEM_BYTES,		/* size bytes as they are, at value (or KHO_NO_ADDR) */
	KHO_ITEM_UNKNOWN,	/* a format that is not known: text is what it calls itself */
};

/* One thing that a subtree says. Valid during the call only. */
struct kho_item {
	unsigned int depth;	/* 0: of the subtree itself */
	enum kho_item_type type;
	char name[64];
	char text[128];		/* name and text as kho_text() makes them; GROUP: what it is of; MEMORY: a remark */
	uint64_t value;
	uint64_t size;
	const unsigned char *bytes;
};

/* Takes an item. Non-zero: no more of them are wanted. */
typedef int (*kho_item_fn)(const struct kho_item *item, void *data);

/*
 * Calls @fn for what @subtree (one of kho_state_subtrees()) holds, in its order, until it
 * returns non-zero. memblock, LUO with memfds, kexec-metadata, kho_test and the head of
 * dma-alloc are understood; another blob comes as its FDT's properties or as bytes. Every
 * link is followed once at most, so the work is bounded by what the source holds.
 *
 * Of an outgoing state only preserved memory is read. Of an incoming one only the blobs that their
 * owners leave as they came are, and no link is followed: kernel and drivers free what they have
 * taken. What is not read for that comes as a text with the name "not read".
 *
 * Errors: WALK, where the subtree cannot be read on; the items before that were told.
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

/* What a rule is about: the first digit of its number, in this order. */
enum kho_area {
	KHO_AREA_ROOT,		/* K0xx */
	KHO_AREA_MAP,
	KHO_AREA_SCRATCH,
	KHO_AREA_SUBTREES,
	KHO_AREA_DMA,
	KHO_AREA_BOOT,		/* what came of it in the kernel that took over */
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
};

/* The table of all rules, in order of number. Static. */
const struct kho_rule *kho_rules(size_t *n);
/* The rule with this number; NULL where there is none. */
const struct kho_rule *kho_rule_get(enum kho_rule_number number);
/* The rule that @id names, as people write it: "K401". NULL where there is none. */
const struct kho_rule *kho_rule_find(const char *id);

struct kho_finding {
	const struct kho_rule *rule;
	enum kho_severity severity;	/* of this finding; may be lower than the rule's */
	bool unevaluated;	/* the rule could not be evaluated; message says why */
	uint64_t count;		/* 1; or, of a rule's last, how many are not listed one by one */
	uint64_t addr;		/* or KHO_NO_ADDR */
	uint64_t record_id;	/* or 0 */
	char message[256];
	char remedy[160];
};

/* Findings of a rule that are handed out one by one; more are counted. */
#define KHO_FINDINGS_LISTED	100

/* Takes a finding; valid during the call only. Non-zero: no more of them are wanted. */
typedef int (*kho_finding_fn)(const struct kho_finding *finding, void *data);

struct kho_verify_options {
	bool skip_content;	/* do not read sealed content */
	/*
	 * Asked again and again while sealed content is read, or NULL. Content that is not read
	 * when it returns false is not judged (K413); all other rules run on.
	 */
	bool (*content_time_left)(void *data);
	void *content_data;
	/* rd.kho.expect: what the previous kernel said it would hand over */
	bool have_expect;
	uint64_t expect_records;
	uint64_t expect_generation;
	bool claims;		/* judge unclaimed records (K5xx), before switch-root or later */
	const char *const *only;	/* NULL-terminated rule ids, or NULL */
	const char *const *ignore;
	uint64_t reserved[8];	/* 0, or KHO_ERR_USAGE */
};

struct kho_verify_summary {
	size_t findings[4];	/* by severity, those that were evaluated; also those not listed */
	size_t unevaluated;	/* rules that could not be evaluated */
	size_t rules;		/* rules that were evaluated or tried */
	uint64_t records, pages, ranges;
	uint64_t reserved[8];
};

/*
 * Runs the rules over @state, calling @fn for each finding (non-zero stops).
 * Returns 0 when the rules ran, whatever they found; *summary says what. On a live
 * source the root FDT is read again, so what kho_state_subtrees() gave may change; and @fn is
 * called at the end, with what two looks in a row have found.
 *
 * KHO_ERR_USAGE: @options leave no rule, or ask for one that they keep from being judged;
 * KHO_ERR_NOMEM; of a live source WALK, for its root.
 */
int kho_verify(struct kho_state *state, const struct kho_verify_options *options,
	       kho_finding_fn fn, void *data,
	       struct kho_verify_summary *summary, struct kho_error *err);

/*
 * No incoming state where some was expected or, without have_expect, was left for this
 * kernel (the findings of a boot that lost its state): the same call-back, without a state.
 * @reason is the error that opening it gave (or NULL): only KHO_ERR_NO_STATE proves that
 * nothing came.
 */
int kho_verify_absent(const struct kho_verify_options *options,
		      const struct kho_error *reason,
		      kho_finding_fn fn, void *data, struct kho_verify_summary *summary);

/*
 * A state that could not be opened: whether @reason says that its data is wrong
 * (and not that it could not be looked at), and then the finding for it. Returns
 * 1 when there was a finding, 0 when @reason is of another kind.
 */
int kho_verify_open_error(const struct kho_error *reason,
			  kho_finding_fn fn, void *data, struct kho_verify_summary *summary);

/* Reads "<count>,<generation>" (rd.kho.expect=). KHO_ERR_USAGE when it is not that. */
int kho_expect_parse(const char *text, uint64_t *records, uint64_t *generation);

/* ----------------------------------------------------- kernel command line */

/*
 * One option of a kernel's command line, split as the kernel does it (next_arg() in
 * lib/cmdline.c of Linux 7.3): double quotes keep white space together, "opt=val" and
 * opt="val" are the same option, and white space is the kernel's, with \v, \f and 0xa0.
 * Everything points into the command line; nothing is terminated.
 */
struct kho_cmdline_arg {
	const char *name;
	size_t name_len;
	const char *value;	/* without the quotes around it; NULL where there is no "=" */
	size_t value_len;
	const char *text;	/* as it stands in the line, quotes included */
	size_t text_len;
	bool unclosed;		/* a quote is still open at the end of the line */
};

/*
 * Takes the next option off *@rest, which begins as the command line. Returns false at its
 * end. Options of init, after "--", come like the others.
 */
bool kho_cmdline_next(const char **rest, struct kho_cmdline_arg *arg);

/* True if this is option @name; "-" and "_" are the same character in names. */
bool kho_cmdline_is(const struct kho_cmdline_arg *arg, const char *name);

/* True if @arg is the "--" that ends the kernel's options: what follows belongs to init. */
bool kho_cmdline_is_end(const struct kho_cmdline_arg *arg);

/* The last option @name before "--". Returns false where there is none. */
bool kho_cmdline_find(const char *cmdline, const char *name, struct kho_cmdline_arg *out);

/*
 * The boolean option @name of a command line, such as "kho": the last value that the kernel's
 * kstrtobool() understands counts. Returns 1, 0, or -1 where no option sets it.
 */
int kho_cmdline_bool(const char *cmdline, const char *name);

/* ----------------------------------------------------------- target image */

struct kho_target {
	char format[16];	/* "bzImage", "vmlinux", "Image"; "UKI (bzImage)" */
	char release[128];	/* kernel release, "" if unknown */
	bool has_kho;		/* KHO compiled in */
	bool kho_default_on;	/* CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT, when known */
	bool config_known;	/* an embedded kernel config was read */
	char root_compatible[32]; /* "kho-v4"; "" if none */
	char luo_compatible[32];
	char dma_compatible[32];
	uint64_t memory_size;	/* that it needs in one piece to unpack itself; 0 if unknown */
	uint64_t memory_align;	/* of that piece; 0 if unknown */
	uint64_t memory_min;	/* the lowest address for it */
	unsigned int page_size;	/* in bytes; 0 if unknown */
	uint64_t reserved[8];
};

/*
 * Reads a kernel image, decompressing its payload, or itself, and says what of KHO it
 * has: bzImage, vmlinux, arm64 Image and zboot image, or a UKI with one of these inside.
 * A bzImage that says it in its kernel_info (the chunk KHO1, see the x86 boot protocol as our
 * series has it) is believed and not unpacked; of another one that has KHO, the payload is
 * unpacked as far as its strings are. That it can be unpacked to its end is not proven.
 * KHO_ERR_UNSUPPORTED for another kind; KHO_ERR_FORMAT, KHO_ERR_CORRUPT, KHO_ERR_NOMEM,
 * or an error of the system. A UKI with several kernels is KHO_ERR_UNSUPPORTED too, since
 * boot loaders choose among them.
 */
int kho_target_read(const char *path, struct kho_target *out, struct kho_error *err);

/*
 * The same for the @size bytes at @data, such as a caller is about to load. @name stands for the
 * image in messages.
 */
int kho_target_examine(const void *data, size_t size, const char *name,
		       struct kho_target *out, struct kho_error *err);

/*
 * Returns 1 if kexec_file_load finds room in the scratch areas for this x86 kernel with an
 * initrd of @initrd_size bytes (0: none), 0 if not, KHO_ERR_UNSUPPORTED where the image does
 * not say what it needs. @scratch is the table in its own order, empty areas included.
 */
int kho_target_fits(const struct kho_target *target, uint64_t initrd_size,
		    const struct kho_range *scratch, size_t nr_scratch);

/*
 * Holds the target and its command line (may be NULL: not judged) against the
 * outgoing state: the K6xx rules.
 */
int kho_target_verify(struct kho_state *state, const struct kho_target *target,
		      const char *cmdline,
		      kho_finding_fn fn, void *data, struct kho_verify_summary *summary,
		      struct kho_error *err);

/* --------------------------------------------------------------- snapshot */

/*
 * Writes an ELF core (a new one with mode 0600; all of it or nothing, as kho_output_commit() of
 * kho_output.h does it) with the bytes that KHO's metadata takes and notes that say what the
 * source knew: release, side, address of the root FDT, scratch, RAM. The rest of a page is
 * zeroes. kho_source_open_file() reads it.
 *
 * Of an outgoing state only preserved memory gets into it, of an incoming one only what is still
 * as it came; pages that the map lives on are taken as they are. Blobs of unknown formats are
 * content and stay out. On a live machine the metadata (not content) is of one moment:
 * KHO_ERR_NOT_PRESENT where it changed each time.
 */
int kho_snapshot_write(struct kho_state *state, const char *path,
		       struct kho_error *err);

struct kho_snapshot_options {
	const uint64_t *ids;	/* of records whose allocations' content is wanted */
	size_t nr_ids;
	bool unknown_blobs;	/* with 64 KiB at most of each blob of an unknown format */
	uint64_t reserved[8];	/* 0, or KHO_ERR_USAGE */
};

/*
 * The same to an output that was opened with KHO_OUTPUT_SEEKABLE, which the caller commits or, on
 * an error, discards. KHO_ERR_NOT_FOUND where there is no such record, KHO_ERR_NOT_PRESENT where
 * not all of its content can be read, or as kho_dma_check_memory().
 */
struct kho_output;
int kho_snapshot_write_to(struct kho_state *state, struct kho_output *output,
			  const struct kho_snapshot_options *options, struct kho_error *err);

#ifdef __cplusplus
}
#endif

#endif /* KHO_H */
