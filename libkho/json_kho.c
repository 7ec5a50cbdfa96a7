// SPDX-License-Identifier: LGPL-2.1-or-later
/* KHO's objects in kho-inspect.schema.json. Unknown is null, addresses are "0x...". */
#include "kho_output.h"

const char *kho_side_name(enum kho_side side)
{
	switch (side) {
	case KHO_SIDE_OUT: return "outgoing";
	case KHO_SIDE_IN: return "incoming";
	}
	return "unknown";
}

const char *kho_outcome_name(enum kho_outcome outcome)
{
	switch (outcome) {
	case KHO_OUTCOME_FOUND: return "found";
	case KHO_OUTCOME_NOT_JUDGED: return "not-judged";
	case KHO_OUTCOME_NOT_APPLICABLE: return "not-applicable";
	}
	return "unknown";
}

const char *kho_found_by_name(enum kho_found_by found_by)
{
	switch (found_by) {
	case KHO_FOUND_FDT_PHYS: return "fdt-phys";
	case KHO_FOUND_DEBUGFS: return "debugfs-copy";
	case KHO_FOUND_SNAPSHOT: return "snapshot";
	case KHO_FOUND_SYMBOL: return "symbol";
	case KHO_FOUND_SCAN: return "scan";
	case KHO_FOUND_SETUP_DATA: return "setup-data";
	case KHO_FOUND_DWARF: return "dwarf";
	}
	return "unknown";
}

const char *kho_dma_fate_name(enum kho_dma_fate fate)
{
	switch (fate) {
	case KHO_DMA_FATE_NONE: return "none";
	case KHO_DMA_FATE_UNCLAIMED: return "unclaimed";
	case KHO_DMA_FATE_RESTORED: return "restored";
	case KHO_DMA_FATE_FAILED: return "failed";
	case KHO_DMA_FATE_RELEASED: return "released";
	case KHO_DMA_FATE_UNKNOWN: break;
	}
	return "unknown";
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

void kho_json_range_members(struct kho_json *json, const struct kho_range *range)
{
	kho_json_hex(json, "addr", range->addr);
	kho_json_uint(json, "size", range->size);
}

void kho_json_range(struct kho_json *json, const char *key, const struct kho_range *range)
{
	kho_json_object(json, key);
	kho_json_range_members(json, range);
	kho_json_end(json);
}

void kho_json_state(struct kho_json *json, const char *key, const struct kho_state *state)
{
	if (!state) {
		kho_json_null(json, key);
		return;
	}
	kho_json_object(json, key);
	kho_json_string(json, "side", kho_side_name(kho_state_side(state)));
	kho_json_string(json, "release", or_null(kho_state_release(state)));
	kho_json_uint(json, "page_size", kho_state_page_size(state));
	kho_json_string(json, "compatible", kho_state_compatible(state));
	kho_json_addr(json, "fdt_addr", kho_state_fdt_addr(state));
	kho_json_string(json, "found_by", kho_found_by_name(kho_state_found_by(state)));
	kho_json_hex(json, "map_addr", kho_state_map_addr(state));
	kho_json_end(json);
}

void kho_json_record(struct kho_json *json, const char *key, const struct kho_dma_record *record)
{
	char attrs[128];

	if (!record) {
		kho_json_null(json, key);
		return;
	}
	kho_json_object(json, key);
	kho_json_uint(json, "id", record->id);
	kho_json_string(json, "device", record->device);
	kho_json_string(json, "tag", record->tag);
	kho_json_hex(json, "addr", record->addr);
	kho_json_hex(json, "dma_addr", record->dma_addr);
	kho_json_uint(json, "size", record->size);
	if (record->pages == KHO_SIZE_UNKNOWN)
		kho_json_null(json, "pages");
	else
		kho_json_uint(json, "pages", record->pages);
	kho_json_string(json, "attrs", kho_dma_attrs_format(record->attrs, attrs, sizeof(attrs)));
	kho_json_hex(json, "record_addr", record->record_addr);
	if (record->flags_ok) {
		kho_json_bool(json, "sealed", record->sealed);
		kho_json_bool(json, "carried_over", record->carried_over);
	} else {
		kho_json_null(json, "sealed");
		kho_json_null(json, "carried_over");
	}
	kho_json_string(json, "fate", record->fate == KHO_DMA_FATE_UNKNOWN ? NULL :
			kho_dma_fate_name(record->fate));
	kho_json_bool(json, "crc_ok", record->crc_ok);
	kho_json_bool(json, "flags_ok", record->flags_ok);
	if (record->sealed)
		kho_json_hex(json, "content_digest", record->content_digest);
	else
		kho_json_null(json, "content_digest");
	kho_json_end(json);
}

void kho_json_finding(struct kho_json *json, const char *key, const struct kho_finding *finding)
{
	kho_json_object(json, key);
	kho_json_string(json, "rule", finding->rule->id);
	kho_json_string(json, "severity", kho_severity_name(finding->severity));
	kho_json_string(json, "outcome", kho_outcome_name(finding->outcome));
	kho_json_uint(json, "count", finding->count);
	kho_json_addr(json, "addr", finding->addr);
	if (finding->record_id)
		kho_json_uint(json, "record_id", finding->record_id);
	else
		kho_json_null(json, "record_id");
	kho_json_string(json, "title", finding->rule->title);
	kho_json_string(json, "message", finding->message);
	kho_json_string(json, "remedy", finding->remedy);
	kho_json_end(json);
}

/* null: unknown. The configuration of the image, or a flag in its kernel_info, says it. */
static const char *builtin_use(const struct kho_target *target)
{
	static const char *const names[] = {
		[KHO_BUILTIN_NONE] = "none", [KHO_BUILTIN_FIRST] = "first",
		[KHO_BUILTIN_DEFAULT] = "default", [KHO_BUILTIN_ONLY] = "only",
		[KHO_BUILTIN_UNKNOWN] = NULL,
	};

	return target->config_known ? names[target->builtin_use] : NULL;
}

void kho_json_target(struct kho_json *json, const char *key, const struct kho_target *target)
{
	if (!target) {
		kho_json_null(json, key);
		return;
	}
	kho_json_object(json, key);
	kho_json_string(json, "format", target->format);
	kho_json_string(json, "release", or_null(target->release));
	kho_json_bool(json, "has_kho", target->has_kho);
	if (target->config_known)
		kho_json_bool(json, "default_on", target->kho_default_on);
	else
		kho_json_null(json, "default_on");
	kho_json_string(json, "root", or_null(target->root_compatible));
	kho_json_string(json, "luo", or_null(target->luo_compatible));
	kho_json_string(json, "dma", or_null(target->dma_compatible));
	if (target->memory_size)
		kho_json_uint(json, "memory_size", target->memory_size);
	else
		kho_json_null(json, "memory_size");
	if (target->page_size)
		kho_json_uint(json, "page_size", target->page_size);
	else
		kho_json_null(json, "page_size");
	if (target->initrd_size)
		kho_json_uint(json, "initrd_size", target->initrd_size);
	else
		kho_json_null(json, "initrd_size");
	kho_json_bool(json, "has_cmdline", target->has_cmdline);
	kho_json_string(json, "builtin_use", builtin_use(target));
	kho_json_raw(json, "builtin_cmdline", or_null(target->builtin_cmdline));
	kho_json_end(json);
}
