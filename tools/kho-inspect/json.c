// SPDX-License-Identifier: GPL-2.0-or-later
/* Documents as in kho-inspect.schema.json. */
#include <stdlib.h>

#include "config.h"
#include "inspect.h"

static bool begun;

struct kho_json *json_document(const char *command)
{
	struct kho_json *json = check_memory(kho_json_create(stdout));

	begun = true;
	kho_json_object(json, NULL);
	kho_json_object(json, "kho_inspect");
	kho_json_string(json, "version", PACKAGE_VERSION);
	kho_json_string(json, "command", command);
	kho_json_end(json);
	return json;
}

void json_close(struct kho_json *json)
{
	kho_json_end(json);
	/* main() checks stdout, so only a bug fails here */
	if (kho_json_finish(json) == KHO_ERR_USAGE)
		abort();
}

void json_failure(const char *command)
{
	struct kho_json *json;

	if (begun)
		return;
	json = json_document(command);
	json_error(json);
	json_close(json);
}

void json_error(struct kho_json *json)
{
	kho_json_string(json, "error", first_complaint());
}

void json_uint_or_null(struct kho_json *json, const char *key, bool known, uint64_t value)
{
	if (known)
		kho_json_uint(json, key, value);
	else
		kho_json_null(json, key);
}
