/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The OCI runtime configuration (runtime specification, config.md) of a container, as JSON. */

#pragma once

#include "containers/spec/devices.h"
#include "containers/spec/options.h"
#include "plan/plan.h"

typedef struct {
    char *const *chain;    /* names of the layers' directories, topmost first */
    uint32_t ids;          /* the first host id, or 0 for the host's own */
    const char *directory; /* the container's, as a path */
    const char *files;     /* the same of the container whose /etc/hosts and so on it has */
    const char *root;      /* a directory instead of layers; or NULL */
    const BerthDeviceEdits *edits;
} BerthSpecContext;

/* The configuration of these options on an image. */
char *berth_spec_format(const BerthCreateOptions *options, const BerthImageInfo *image,
                        const BerthSpecContext *context, GError **error);

/* What a caller's own configuration is completed by. */
typedef struct {
    char *const *chain;       /* names of the layers' directories, or NULL: */
    const char *root, *inode; /* a directory */
    uint32_t ids;             /* the first host id where berthd chooses them; 0 */
    bool plain;               /* the default filter, and all that is hidden by default */
    const GPtrArray *binds;   /* of BerthMountRequest: descriptors for its bind mounts; or NULL */
} BerthSpecCompletion;

char *berth_spec_complete(const char *text, const BerthSpecCompletion *completion, GError **error);

/* The plan of a container, of this configuration, with another process in it. */
BerthPlan *berth_spec_make_exec(const char *text, size_t size, const BerthExecOptions *options,
                                GError **error);
/* The options alone as a plan, as if of a container whose configuration is empty; NULL for options
 * that berth_spec_make_exec() refuses. */
BerthPlan *berth_spec_parse_exec(const BerthExecOptions *options);

/* Whether the environment has the variable of an assignment, NAME=VALUE. */
bool berth_spec_has_variable(char *const *environment, const char *assignment);
/* Whether the command is an init system. */
bool berth_spec_is_system(const BerthCreateOptions *options, const BerthImageInfo *image);
/* Whether a configuration masks all that Berth's own do, and has as much read-only. */
bool berth_spec_hides_as_default(const BerthPlan *plan);
/* The same for what other runtimes' own configurations do. */
bool berth_spec_hides_as_usual(const BerthPlan *plan);
const char *const *berth_spec_get_masked_paths(void);
const char *const *berth_spec_get_read_only_paths(void);
