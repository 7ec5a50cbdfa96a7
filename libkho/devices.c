// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * PCI devices in sysfs: Documentation/ABI/testing/sysfs-bus-pci of Linux 7.3, and
 * kexec_keep_master, which kernel-patches/live adds.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "devices.h"
#include "error.h"
#include "kho_output.h"
#include "source.h"

#define DEVICES		"/sys/bus/pci/devices"
#define MAX_UEVENT	65536

/* offsets and bits of the config space: include/uapi/linux/pci_regs.h */
#define COMMAND		0x04
#define COMMAND_MASTER	0x04
#define HEADER_TYPE	0x0e
#define HEADER_NORMAL	0x00	/* neither a PCI bridge nor one to CardBus */
#define HEADER_MASK	0x7f
/* include/linux/pci_ids.h: PCI_BASE_CLASS_BRIDGE, the highest of three bytes of the class */
#define CLASS_BRIDGE	0x06

/* prefix of a PCI device's name in a record */
#define RECORD_BUS	"pci:"

struct devices {
	const struct kho_files *files;
	struct kho_device *list;
	size_t n, room;
};

static int fail_device(const char *name, const char *what, struct kho_error *err)
{
	return kho_fail(err, KHO_ERR_FORMAT, KHO_NO_ADDR, "PCI device %s: %s", name, what);
}

/*
 * Finds the folder of the device. In a real sysfs, the entry is a link into /sys/devices, but
 * kho_files_open() follows no link below a sysroot.
 */
static int device_folder(int devices, const char *name, char *path, size_t room,
			 struct kho_error *err)
{
	char link[PATH_MAX], *target = link;
	ssize_t n = readlinkat(devices, name, link, sizeof(link) - 1);
	int used;

	if (n < 0 && errno == EINVAL) {
		used = snprintf(path, room, DEVICES "/%s", name);
	} else if (n < 0) {
		return kho_fail_os(err, "read the link", name);
	} else {
		link[n] = '\0';
		while (!strncmp(target, "../", 3))
			target += 3;
		if (strncmp(target, "devices/", 8) || strstr(target, "/../"))
			return fail_device(name, "its link does not lead to /sys/devices", err);
		used = snprintf(path, room, "/sys/%s", target);
	}
	return used < 0 || (size_t)used >= room ? fail_device(name, "its path is too long", err) : 0;
}

/* Reads a file in the folder of a device. The caller frees *text. */
static int read_in(const struct kho_files *files, const char *folder, const char *name,
		   char **text, size_t *size, struct kho_error *err)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return kho_files_read(files, path, MAX_UEVENT, text, size, err);
}

static int read_uevent(const struct kho_files *files, const char *folder,
		       struct kho_device *device, struct kho_error *err)
{
	char *text, value[64], *end;
	unsigned long class;
	size_t size;
	int ret = read_in(files, folder, "uevent", &text, &size, err);

	if (ret)
		return ret;
	if (kho_source_line(text, "DRIVER", value, sizeof(value)))
		kho_text(device->driver, sizeof(device->driver), value, strlen(value));
	if (!kho_source_line(text, "PCI_CLASS", value, sizeof(value))) {
		free(text);
		return fail_device(device->name, "uevent does not say its class", err);
	}
	free(text);
	class = strtoul(value, &end, 16);
	if (end == value || *end)
		return fail_device(device->name, "uevent has a class that is not a number", err);
	device->bridge = class >> 16 == CLASS_BRIDGE;
	return 0;
}

static int read_header(const struct kho_files *files, const char *folder,
		       struct kho_device *device, struct kho_error *err)
{
	char *config;
	size_t size;
	int ret = read_in(files, folder, "config", &config, &size, err);

	if (ret)
		return ret;
	if (size <= HEADER_TYPE) {
		free(config);
		return fail_device(device->name, "its config space is cut short", err);
	}
	device->masters = config[COMMAND] & COMMAND_MASTER;
	device->forwards = (config[HEADER_TYPE] & HEADER_MASK) != HEADER_NORMAL;
	free(config);
	return 0;
}

static int read_keep(const struct kho_files *files, const char *folder,
		     struct kho_device *device, struct kho_error *err)
{
	struct kho_error why;
	size_t size;
	char *text;
	int ret = read_in(files, folder, "kexec_keep_master", &text, &size, &why);

	/* a kernel without the series */
	if (ret && why.os_errno == ENOENT) {
		device->keeps = -1;
		return 0;
	}
	if (ret) {
		if (err)
			*err = why;
		return ret;
	}
	if (!strcmp(text, "0\n") || !strcmp(text, "1\n"))
		device->keeps = *text == '1';
	else
		ret = fail_device(device->name, "kexec_keep_master is neither 0 nor 1", err);
	free(text);
	return ret;
}

static int add_device(struct devices *devices, int folder, const char *name, struct kho_error *err)
{
	struct kho_device device = { .keeps = -1 };
	struct kho_error why;
	char path[PATH_MAX];
	int ret;

	if (strlen(name) >= sizeof(device.name))
		return fail_device(name, "its name is too long", err);
	memcpy(device.name, name, strlen(name));
	ret = device_folder(folder, name, path, sizeof(path), &why);
	if (!ret)
		ret = read_uevent(devices->files, path, &device, &why);
	if (!ret)
		ret = read_header(devices->files, path, &device, &why);
	if (!ret)
		ret = read_keep(devices->files, path, &device, &why);
	/* the device was removed meanwhile */
	if (ret && (why.os_errno == ENOENT || why.os_errno == ENODEV) &&
	    faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW))
		return 0;
	if (ret) {
		if (err)
			*err = why;
		return ret;
	}

	if (devices->n == devices->room) {
		size_t room = devices->room ? 2 * devices->room : 64;
		struct kho_device *list = reallocarray(devices->list, room, sizeof(*list));

		if (!list)
			return kho_fail_nomem(err);
		devices->list = list;
		devices->room = room;
	}
	devices->list[devices->n++] = device;
	return 0;
}

static int device_compare(const void *a, const void *b)
{
	const struct kho_device *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int read_all(struct devices *devices, DIR *dir, struct kho_error *err)
{
	struct dirent *entry;
	int ret = 0;

	do {
		errno = 0;
		entry = readdir(dir);
		if (!entry && errno)
			return kho_fail_os(err, "read", DEVICES);
		if (entry && *entry->d_name != '.')
			ret = add_device(devices, dirfd(dir), entry->d_name, err);
	} while (entry && !ret);
	return ret;
}

int kho_devices_read_files(const struct kho_files *files, struct kho_device **out, size_t *n,
			   struct kho_error *err)
{
	struct devices devices = { .files = files };
	int fd = kho_files_open(files, DEVICES, O_RDONLY | O_DIRECTORY), ret;
	DIR *dir;

	/* a machine without PCI */
	if (fd < 0 && errno == ENOENT) {
		*out = NULL;
		*n = 0;
		return 0;
	}
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		ret = kho_fail_os(err, "open", DEVICES);
		if (fd >= 0)
			close(fd);
		return ret;
	}
	ret = read_all(&devices, dir, err);
	closedir(dir);
	if (ret) {
		free(devices.list);
		return ret;
	}

	if (devices.n)
		qsort(devices.list, devices.n, sizeof(*devices.list), device_compare);
	*out = devices.list;
	*n = devices.n;
	return 0;
}

int kho_devices_read(const char *sysroot, struct kho_device **out, size_t *n,
		     struct kho_error *err)
{
	struct kho_files files;
	int ret = kho_files_init(&files, sysroot, err);

	if (!ret)
		ret = kho_devices_read_files(&files, out, n, err);
	kho_files_close(&files);
	return ret;
}

const struct kho_device *kho_devices_find(const struct kho_device *devices, size_t n,
					  const char *name)
{
	struct kho_device key;

	if (!n || strlen(name) >= sizeof(key.name))
		return NULL;
	memcpy(key.name, name, strlen(name) + 1);
	return bsearch(&key, devices, n, sizeof(*devices), device_compare);
}

const struct kho_device *kho_devices_find_of(const struct kho_device *devices, size_t n,
					     const struct kho_dma_record *record)
{
	if (strncmp(record->device, RECORD_BUS, strlen(RECORD_BUS)))
		return NULL;
	return kho_devices_find(devices, n, record->device + strlen(RECORD_BUS));
}

bool kho_device_keeps_mastering(const struct kho_device *device)
{
	return device->masters && device->keeps == 1;
}
