/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A bundle of the OCI runtime specification, in the form that the service takes. */

#pragma once

#include "options.h"
#include "record.h"

typedef struct {
    json_object *config;    /* the configuration as the service receives it */
    char *spec;             /* the same, as text */
    char *rootfs;           /* its full path */
    int root;               /* its open descriptor */
    bool terminal;          /* process.terminal */
    bool in_callers_cgroup; /* --cgroup, or linux.cgroupsPath below this cgroup or beside it */
    char **annotations;
} RuntimeBundle;

/* Reads the configuration of a bundle and applies the options. A namespace to join may be that of a
 * monitor whose record is in the options' root. NULL with error. */
RuntimeBundle *runtime_bundle_read(const char *directory, const RuntimeOptions *options,
                                   GError **error);
void runtime_bundle_free(RuntimeBundle *bundle);

/* Whether a cgroupfs path is a child of the cgroup own or of one above it other than the root, that
 * is, in the caller's unit, as with podman --cgroups=split. */
bool runtime_bundle_is_callers_cgroup(const char *path, const char *own);

/* Whether the command of a configuration exists in its root; a path that a mount may provide counts
 * as existing. Otherwise NotFound, with a text that engines recognize. */
bool runtime_command_check(json_object *config, int root, GError **error);

/* Reads a file that holds one JSON object; "-" stands for standard input. text may be NULL. */
json_object *runtime_read_json(const char *file, char **text, GError **error);

/* The configuration with everything resolved that only berth-runtime knows: sources of bind mounts
 * relative to the bundle, and namespaces of containers that a monitor stands for. A cgroupfs path
 * is removed and returned in cgroups_path, NULL if there was none. */
json_object *runtime_bundle_adapt(json_object *config, const char *directory, const char *root,
                                  char **cgroups_path, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RuntimeBundle, runtime_bundle_free)
