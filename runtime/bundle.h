/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A bundle of the OCI runtime specification, as the service takes it. */

#pragma once

#include "options.h"
#include "record.h"

typedef struct {
    char *spec;             /* the configuration, in JSON */
    char *rootfs;           /* its whole path */
    int root;               /* opened */
    bool terminal;          /* process.terminal */
    bool in_callers_cgroup; /* --cgroup, or linux.cgroupsPath below this cgroup, or beside it */
    char **annotations;
} RuntimeBundle;

/* Reads the configuration of a bundle, with what the options have in its place. A namespace may be
 * joined of a monitor whose record is in the options' root. NULL with error. */
RuntimeBundle *runtime_bundle_read(const char *directory, const RuntimeOptions *options,
                                   GError **error);
void runtime_bundle_free(RuntimeBundle *bundle);

/* Whether a path of cgroupfs is to be a child of the cgroup own or of one above it, other than the
 * root: of the caller's unit, then, as podman --cgroups=split has it. */
bool runtime_bundle_is_callers_cgroup(const char *path, const char *own);

/* Whether the command of a configuration is in its root; what a mount may bring counts as there.
 * NotFound otherwise, in words by which engines know it. */
bool runtime_command_check(JsonObject *config, int root, GError **error);

/* Reads a file as one JSON object; "-" stands for the standard input. text may be NULL. */
JsonNode *runtime_read_json(const char *file, char **text, GError **error);

/* The configuration with what only berth-runtime knows: sources of bind mounts below the bundle,
 * namespaces of processes for which a monitor stands, and no path of cgroupfs. cgroups_path is set
 * to the one that was taken out, NULL if there was none. */
char *runtime_bundle_adapt(JsonObject *config, const char *directory, const char *root,
                           char **cgroups_path, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RuntimeBundle, runtime_bundle_free)
