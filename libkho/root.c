// SPDX-License-Identifier: LGPL-2.1-or-later
/* The root FDT of one side, its subtrees, and the scratch table. */
#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "fdt_check.h"
#include "kho_output.h"
#include "map.h"
#include "root_find.h"

#define DEBUGFS_KHO	"/sys/kernel/debug/kho/"
/* The FDT fits a page, so there can be no more; likewise scratch areas. */
#define MAX_SUBTREES	(KHO_ABI_PAGE_SIZE / 16)
#define MAX_SCRATCH	4096
/* A live page may be caught half edited. */
#define LIVE_TRIES	5

static const char *side_name(enum kho_side side)
{
	return side == KHO_SIDE_IN ? "in" : "out";
}

/* -------------------------------------------------------------- root FDT */

static enum kho_abi abi_of(const char *compatible, int len)
{
	static const struct {
		const char *name;
		enum kho_abi abi;
	} known[] = {
		{ "kho-v4", KHO_ABI_V4 }, { "kho-v3", KHO_ABI_V3 }, { "kho-v1", KHO_ABI_V1 },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t n = strlen(known[i].name);

		if (fdt_stringlist_contains(compatible, len, known[i].name))
			return known[i].abi;
		/* a composite such as "kho-v4;radix-v1" */
		if (!strncmp(compatible, known[i].name, n) && compatible[n] == ';')
			return known[i].abi;
	}
	return KHO_ABI_UNKNOWN;
}

/* Raw native-endian u64: not the big-endian cells of a device tree. */
static bool prop_u64(const void *fdt, int node, const char *name, uint64_t *value)
{
	int len;
	const void *prop = fdt_getprop(fdt, node, name, &len);

	if (!prop || len != (int)sizeof(*value))
		return false;
	memcpy(value, prop, sizeof(*value));
	return true;
}

static int parse_subtrees(struct kho_state *state, struct kho_error *err)
{
	const void *fdt = state->fdt;
	int node;

	state->subtrees = malloc(MAX_SUBTREES * sizeof(*state->subtrees));
	if (!state->subtrees)
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");

	fdt_for_each_subnode(node, fdt, 0) {
		struct kho_subtree subtree = { 0 };
		const char *name = fdt_get_name(fdt, node, NULL);
		bool good;

		if (!name || state->nr_subtrees == MAX_SUBTREES)
			break;
		kho_text(subtree.name, sizeof(subtree.name), name, strlen(name));

		if (state->abi == KHO_ABI_V1)
			good = prop_u64(fdt, node, KHO_FDT_V1_DATA_PROP, &subtree.addr);
		else
			good = prop_u64(fdt, node, KHO_FDT_DATA_PROP, &subtree.addr) &&
			       prop_u64(fdt, node, KHO_FDT_SIZE_PROP, &subtree.size);

		if (good)
			state->subtrees[state->nr_subtrees++] = subtree;
		else if (!state->bad_subtrees++)
			memcpy(state->bad_subtree, subtree.name, sizeof(subtree.name));
	}
	return 0;
}

static int parse_root(struct kho_state *state, size_t available, struct kho_error *err)
{
	const void *fdt = state->fdt;
	const char *compatible;
	int len, ret;

	if (available >= sizeof(struct fdt_header) && fdt_magic(fdt) == FDT_MAGIC &&
	    state->found_by == KHO_FOUND_DEBUGFS && fdt_totalsize(fdt) > available) {
		ret = kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
			       "debugfs kho/%s/fdt gives %zu of %u bytes: this kernel cuts it off, its state may be sound",
			       side_name(state->side), available, fdt_totalsize(fdt));
		return kho_remedy(err, ret, "Use a kernel with kernel-patches/, which has out/fdt_phys.");
	}

	ret = kho_fdt_check(fdt, available);
	if (ret)
		return kho_fail(err, KHO_ERR_CORRUPT, state->fdt_addr,
				"the root FDT of side \"%s\" is not valid: %s",
				side_name(state->side), fdt_strerror(ret));
	state->fdt_size = fdt_totalsize(fdt);

	compatible = fdt_getprop(fdt, 0, "compatible", &len);
	if (!compatible || len < 1 || compatible[len - 1])
		return kho_fail(err, KHO_ERR_CORRUPT, state->fdt_addr,
				"the root FDT of side \"%s\" has no compatible string",
				side_name(state->side));

	kho_text(state->compatible, sizeof(state->compatible), compatible, strlen(compatible));
	state->abi = abi_of(compatible, len);
	if (!prop_u64(fdt, 0, KHO_FDT_MEMORY_MAP_PROP, &state->map_addr))
		state->map_addr = 0;

	return parse_subtrees(state, err);
}

static void forget_root(struct kho_state *state)
{
	free(state->subtrees);
	state->subtrees = NULL;
	state->nr_subtrees = 0;
	state->bad_subtrees = 0;
	memset(state->fdt, 0, sizeof(state->fdt));
}

static int read_root_page(struct kho_state *state, struct kho_error *err)
{
	int ret = kho_source_read(state->source, state->fdt_addr, state->fdt,
				  sizeof(state->fdt), err);

	return ret ? ret : parse_root(state, sizeof(state->fdt), err);
}

static int read_root_live_page(struct kho_state *state, struct kho_error *err)
{
	int ret;

	for (int i = 0; ; i++) {
		ret = read_root_page(state, err);
		if (ret != KHO_ERR_CORRUPT || i == LIVE_TRIES)
			return ret;
		forget_root(state);
		usleep(1000);
	}
}

static int read_root_debugfs(struct kho_state *state, struct kho_error *err)
{
	char path[64], *data;
	size_t size;
	int ret;

	snprintf(path, sizeof(path), DEBUGFS_KHO "%s/fdt", side_name(state->side));
	ret = kho_source_slurp(state->source, path, sizeof(state->fdt), &data, &size, err);
	if (ret == KHO_ERR_OS && state->side == KHO_SIDE_OUT) {
		ret = kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
			       "this kernel does not show its outgoing FDT (no %s)", path);
		return kho_remedy(err, ret, "Use a kernel with kernel-patches/, which shows it on every boot.");
	}
	if (ret)
		return ret;

	memcpy(state->fdt, data, size);
	free(data);
	return parse_root(state, size, err);
}

static int check_side_exists(struct kho_state *state, struct kho_error *err)
{
	char path[PATH_MAX];
	int ret;

	snprintf(path, sizeof(path), "%s" DEBUGFS_KHO "%s", state->source->sysroot,
		 side_name(state->side));
	if (!access(path, F_OK))
		return 0;

	ret = kho_fail(err, KHO_ERR_NO_STATE, KHO_NO_ADDR, "%s",
		       state->side == KHO_SIDE_IN ?
		       "this kernel was booted without a hand-over" :
		       "this kernel hands nothing over");
	return kho_remedy(err, ret, "%s", state->side == KHO_SIDE_IN ? "" :
			  "Look for \"KHO\" in the kernel's log.");
}

/* "0x..." lines of a debugfs file; returns how many there were. */
static int read_numbers(const struct kho_source *source, const char *path, uint64_t *values,
			size_t max, size_t *n, struct kho_error *err)
{
	char *text, *line, *save = NULL;
	size_t size;
	int ret;

	ret = kho_source_slurp(source, path, 1 << 20, &text, &size, err);
	if (ret)
		return ret;

	*n = 0;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (*n == max || !kho_parse_u64(line, &values[*n])) {
			ret = kho_fail(err, KHO_ERR_CORRUPT, KHO_NO_ADDR,
				       "%s: cannot understand \"%.40s\"", path, line);
			break;
		}
		(*n)++;
	}
	free(text);
	return ret;
}

/*
 * A kernel without fdt_phys. Its out/fdt may be cut off or missing, and is a copy
 * that does not say where the page is; so it comes after what is quick and certain.
 */
static int read_root_unpatched(struct kho_state *state, struct kho_error *err)
{
	int ret;

	state->fdt_addr = KHO_NO_ADDR;
	if (kho_root_find_quick(state))
		return read_root_live_page(state, err);

	state->found_by = KHO_FOUND_DEBUGFS;
	ret = read_root_debugfs(state, err);
	if (ret != KHO_ERR_UNSUPPORTED)
		return ret;

	forget_root(state);
	ret = kho_root_find_scan(state, err);
	return ret ? ret : read_root_live_page(state, err);
}

static int read_root_live(struct kho_state *state, struct kho_error *err)
{
	char path[64];
	size_t n;
	int ret;

	ret = check_side_exists(state, err);
	if (ret)
		return ret;

	snprintf(path, sizeof(path), DEBUGFS_KHO "%s/fdt_phys", side_name(state->side));
	ret = read_numbers(state->source, path, &state->fdt_addr, 1, &n, err);
	if (ret == KHO_ERR_OS)
		return read_root_unpatched(state, err);
	if (ret)
		return ret;
	if (n != 1)
		return kho_fail(err, KHO_ERR_CORRUPT, KHO_NO_ADDR, "%s is empty", path);

	state->found_by = KHO_FOUND_FDT_PHYS;
	return read_root_live_page(state, err);
}

/* ---------------------------------------------------------------- scratch */

static int read_scratch_live(struct kho_state *state, struct kho_error *err)
{
	uint64_t *addrs, *sizes;
	size_t n, m;
	int ret;

	/* not cleared, for few of them are ever touched */
	addrs = malloc(2 * MAX_SCRATCH * sizeof(*addrs));
	if (!addrs)
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");
	sizes = addrs + MAX_SCRATCH;

	ret = read_numbers(state->source, DEBUGFS_KHO "out/scratch_phys", addrs, MAX_SCRATCH,
			   &n, err);
	if (!ret)
		ret = read_numbers(state->source, DEBUGFS_KHO "out/scratch_len", sizes,
				   MAX_SCRATCH, &m, err);
	if (!ret && n != m)
		ret = kho_fail(err, KHO_ERR_CORRUPT, KHO_NO_ADDR,
			       "debugfs gives %zu addresses and %zu sizes of scratch areas", n, m);
	if (ret)
		goto out;

	state->scratch = calloc(n ? n : 1, sizeof(*state->scratch));
	if (!state->scratch) {
		ret = kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");
		goto out;
	}
	for (size_t i = 0; i < n; i++)
		state->scratch[i] = (struct kho_range){ addrs[i], sizes[i] };
	state->nr_scratch = n;
out:
	free(addrs);
	return ret;
}

static int read_scratch_notes(struct kho_state *state, struct kho_error *err)
{
	const char *cursor = NULL, *value;

	state->scratch = calloc(MAX_SCRATCH, sizeof(*state->scratch));
	if (!state->scratch)
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");

	while ((value = kho_source_note(state->source, "scratch", &cursor))) {
		struct kho_range *area = &state->scratch[state->nr_scratch];

		if (state->nr_scratch == MAX_SCRATCH ||
		    sscanf(value, "%" SCNx64 "+%" SCNx64, &area->addr, &area->size) != 2)
			return kho_fail(err, KHO_ERR_CORRUPT, KHO_NO_ADDR,
					"%s: bad scratch area in its notes", state->source->path);
		state->nr_scratch++;
	}
	return 0;
}

/* ------------------------------------------------------------------ state */

/* The release that the first line of @text is. */
static void set_release(struct kho_state *state, const char *text)
{
	kho_text(state->release, sizeof(state->release), text, strcspn(text, "\n"));
}

/* A dump that somebody else made: it has all of RAM, and not a word of KHO. */
static int read_root_dump(struct kho_state *state, struct kho_error *err)
{
	int ret;

	state->scratch_unknown = true;
	if (state->source->release)
		set_release(state, state->source->release);
	ret = kho_root_find_quick(state) ? 0 : kho_root_find_scan(state, err);
	return ret ? ret : read_root_page(state, err);
}

static int read_root_snapshot(struct kho_state *state, struct kho_error *err)
{
	const char *cursor = NULL, *value;
	int ret;

	value = kho_source_note(state->source, "side", &cursor);
	if (!value)
		return read_root_dump(state, err);
	if (strcspn(value, "\n") != strlen(side_name(state->side)) ||
	    strncmp(value, side_name(state->side), strlen(side_name(state->side)))) {
		ret = kho_fail(err, KHO_ERR_NO_STATE, KHO_NO_ADDR,
			       "%s holds the other side, not \"%s\"", state->source->path,
			       side_name(state->side));
		return kho_remedy(err, ret, "%s --in.", state->side == KHO_SIDE_IN ?
				  "Leave out" : "Use");
	}

	cursor = NULL;
	value = kho_source_note(state->source, "release", &cursor);
	if (value)
		set_release(state, value);

	cursor = NULL;
	value = kho_source_note(state->source, "fdt_phys", &cursor);
	if (!value || sscanf(value, "%" SCNx64, &state->fdt_addr) != 1)
		return kho_fail(err, KHO_ERR_CORRUPT, KHO_NO_ADDR,
				"%s: its notes do not say where the root FDT is",
				state->source->path);

	state->found_by = KHO_FOUND_SNAPSHOT;
	return read_root_page(state, err);
}

static void read_release_live(struct kho_state *state)
{
	size_t size;
	char *text;

	if (kho_source_slurp(state->source, "/proc/sys/kernel/osrelease", 256, &text, &size, NULL))
		return;
	set_release(state, text);
	free(text);
}

int kho_state_open(struct kho_source *source, enum kho_side side, struct kho_state **out,
		   struct kho_error *err)
{
	struct kho_state *state = calloc(1, sizeof(*state));
	int ret;

	if (!state)
		return kho_fail(err, KHO_ERR_NOMEM, KHO_NO_ADDR, "out of memory");

	state->source = source;
	state->side = side;
	state->fdt_addr = KHO_NO_ADDR;

	if (source->live) {
		read_release_live(state);
		ret = read_root_live(state, err);
		if (!ret)
			ret = read_scratch_live(state, err);
	} else {
		ret = read_root_snapshot(state, err);
		if (!ret)
			ret = read_scratch_notes(state, err);
	}
	if (ret) {
		kho_state_close(state);
		return ret;
	}

	*out = state;
	return 0;
}

int kho_state_refresh(struct kho_state *state, struct kho_error *err)
{
	struct kho_state fresh = {
		.source = state->source, .side = state->side,
		.found_by = state->found_by, .fdt_addr = state->fdt_addr,
	};
	int ret;

	if (!state->source->live)
		return 0;

	if (state->fdt_addr != KHO_NO_ADDR)
		ret = read_root_live_page(&fresh, err);
	else
		ret = read_root_debugfs(&fresh, err);
	if (ret) {
		free(fresh.subtrees);
		return ret;
	}

	kho_radix_destroy(state->radix);
	state->radix = NULL;
	kho_bitmap_destroy(state->bitmap);
	state->bitmap = NULL;
	state->abi = fresh.abi;
	state->map_addr = fresh.map_addr;
	state->fdt_size = fresh.fdt_size;
	memcpy(state->fdt, fresh.fdt, sizeof(state->fdt));
	memcpy(state->compatible, fresh.compatible, sizeof(state->compatible));
	memcpy(state->subtrees, fresh.subtrees, MAX_SUBTREES * sizeof(*state->subtrees));
	state->nr_subtrees = fresh.nr_subtrees;
	state->bad_subtrees = fresh.bad_subtrees;
	memcpy(state->bad_subtree, fresh.bad_subtree, sizeof(state->bad_subtree));
	free(fresh.subtrees);
	return 0;
}

struct kho_state *kho_state_probe(struct kho_source *source, uint64_t addr,
				  const unsigned char *page)
{
	struct kho_state *state = calloc(1, sizeof(*state));

	if (!state)
		return NULL;
	state->source = source;
	state->side = KHO_SIDE_OUT;
	state->fdt_addr = addr;
	state->found_by = KHO_FOUND_SCAN;
	memcpy(state->fdt, page, sizeof(state->fdt));
	/* what wrote it tells how to read a map of kho-v1 */
	if (source->live)
		read_release_live(state);
	else if (source->release)
		set_release(state, source->release);
	if (!parse_root(state, sizeof(state->fdt), NULL))
		return state;
	kho_state_close(state);
	return NULL;
}

int kho_state_locate(struct kho_state *state, struct kho_error *err)
{
	int ret;

	if (state->fdt_addr != KHO_NO_ADDR)
		return 0;
	if (!state->source->live)
		return kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
				"%s does not say where the root FDT is", state->source->path);
	ret = kho_root_find_scan(state, err);
	return ret ? ret : kho_state_refresh(state, err);
}

void kho_state_close(struct kho_state *state)
{
	if (!state)
		return;
	kho_radix_destroy(state->radix);
	kho_bitmap_destroy(state->bitmap);
	free(state->subtrees);
	free(state->scratch);
	free(state);
}

const struct kho_subtree *kho_state_subtree(const struct kho_state *state, const char *name)
{
	for (size_t i = 0; i < state->nr_subtrees; i++) {
		if (!strcmp(state->subtrees[i].name, name))
			return &state->subtrees[i];
	}
	return NULL;
}

enum kho_side kho_state_side(const struct kho_state *state)
{
	return state->side;
}

enum kho_abi kho_state_abi(const struct kho_state *state)
{
	return state->abi;
}

enum kho_found_by kho_state_found_by(const struct kho_state *state)
{
	return state->found_by;
}

bool kho_state_is_live(const struct kho_state *state)
{
	return state->source->live;
}

const char *kho_state_compatible(const struct kho_state *state)
{
	return state->compatible;
}

const char *kho_state_release(const struct kho_state *state)
{
	return state->release;
}

uint64_t kho_state_fdt_addr(const struct kho_state *state)
{
	return state->fdt_addr;
}

const void *kho_state_fdt(const struct kho_state *state, size_t *size)
{
	*size = state->fdt_size;
	return state->fdt;
}

uint64_t kho_state_map_addr(const struct kho_state *state)
{
	return state->map_addr;
}

unsigned int kho_state_page_size(const struct kho_state *state)
{
	(void)state;
	return KHO_ABI_PAGE_SIZE;
}

const struct kho_subtree *kho_state_subtrees(const struct kho_state *state, size_t *n)
{
	*n = state->nr_subtrees;
	return state->subtrees;
}

const struct kho_range *kho_state_scratch(const struct kho_state *state, size_t *n)
{
	*n = state->nr_scratch;
	return state->scratch;
}

const struct kho_range *kho_state_ram(const struct kho_state *state, size_t *n)
{
	*n = state->source->nr_ram;
	return state->source->ram;
}
