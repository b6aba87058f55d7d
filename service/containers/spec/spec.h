/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The OCI runtime configuration of a container (runtime specification, config.md), as JSON. */

#pragma once

#include "containers/spec/devices.h"
#include "containers/spec/options.h"
#include "plan/plan.h"

typedef struct {
    char *const *chain;    /* names of the layers' directories, topmost first */
    uint32_t ids;          /* the first host id, or 0 for the host's own */
    const char *directory; /* the path of the container's directory */
    const char *files;     /* the directory with /etc/hosts etc., the container's or its pod's */
    const char *root;      /* a directory used instead of layers; or NULL */
    const BerthDeviceEdits *edits;
} BerthSpecContext;

/* Makes the configuration from these options and the image. The caller frees it. */
char *berth_spec_format(const BerthCreateOptions *options, const BerthImageInfo *image,
                        const BerthSpecContext *context, GError **error);

/* What is added to a caller's own configuration to complete it. */
typedef struct {
    char *const *chain;       /* names of the layers' directories; NULL with root */
    const char *root, *inode; /* a directory of the host; NULL with layers */
    uint32_t ids;             /* the first host id, if berthd chooses the ids; otherwise 0 */
    bool plain;               /* add the default filter, and hide what is hidden by default */
    const GPtrArray *binds;   /* of BerthMountRequest: descriptors for its bind mounts; or NULL */
} BerthSpecCompletion;

char *berth_spec_complete(const char *text, const BerthSpecCompletion *completion, GError **error);

/* The plan of the container that has this configuration, with another process in it. */
BerthPlan *berth_spec_make_exec(const char *text, size_t size, const BerthExecOptions *options,
                                GError **error);
/* The options alone as a plan, as if the container's configuration were empty; NULL if
 * berth_spec_make_exec() would refuse them. */
BerthPlan *berth_spec_parse_exec(const BerthExecOptions *options);

/* The variables of an environment, for berth_spec_has_variable(). A caller and an image can each
 * bring tens of thousands, so one list must not be searched for each variable of the other. */
GHashTable *berth_spec_index_variables(char *const *environment);
/* Returns true if the environment contains the variable of an assignment (NAME=VALUE). */
bool berth_spec_has_variable(GHashTable *variables, const char *assignment);
/* How many of the first words of the command are the entrypoint, without the service's own init.
 * image may be NULL. */
size_t berth_spec_count_entrypoint(const BerthCreateOptions *options, const BerthImageInfo *image);
/* Returns true if the command is an init system. image may be NULL. */
bool berth_spec_is_system(const BerthCreateOptions *options, const BerthImageInfo *image);
/* Returns true if a configuration masks all paths that Berth's own ones do, and makes at least as
 * many read-only. */
bool berth_spec_hides_as_default(const BerthPlan *plan);
/* The same, compared with the usual configurations of other runtimes. */
bool berth_spec_hides_as_usual(const BerthPlan *plan);
/* The defaults but those that a pattern matches, and others; the caller frees it. */
char **berth_spec_list_hidden(const char *const *defaults, char *const *patterns,
                              char *const *others);
const char *const *berth_spec_get_masked_paths(void);
const char *const *berth_spec_get_read_only_paths(void);
