/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Devices that a caller requests: device nodes of the host, and names of CDI devices (Container
 * Device Interface, SPEC.md of cncf-tags/container-device-interface). The host's packages and
 * administrator keep the specifications of the latter in /etc/cdi and /run/cdi.
 */

#pragma once

#include "base/error.h"

#include <json-c/json.h>
#include <sys/types.h>

typedef struct {
    char *path; /* in the container */
    mode_t type, mode;
    unsigned major, minor;
    uid_t uid;
    gid_t gid;
    char *access; /* "rwm" */
} BerthDeviceRequest;

/* The changes that devices make to a configuration. */
typedef struct {
    GPtrArray *devices;     /* of BerthDeviceRequest */
    GPtrArray *environment; /* of char * */
    GPtrArray *mounts;      /* of BerthMountRequest */
    json_object *hooks;     /* name → array of hooks */
} BerthDeviceEdits;

/* Resolves requested devices. Returns NULL with an error that names the device that does not exist.
 * For owners other than root, only nodes on the file system mounted at /dev are accepted. */
BerthDeviceEdits *berth_device_edits_new(char *const *wanted, uid_t owner, GError **error);
void berth_device_edits_free(BerthDeviceEdits *edits);

/* Returns true if the node of that path on the file system mounted at /dev is this device. */
bool berth_device_is_at(const char *path, mode_t type, unsigned major, unsigned minor);

/* Checks the devices in limits such as IOReadBandwidthMax=, which may be NULL. systemd looks at
 * these paths itself, and would wait for a file system that does not answer: whoever the caller is,
 * only those on the file system mounted at /dev are accepted. */
bool berth_device_check_limits(GVariant *properties, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthDeviceEdits, berth_device_edits_free)
