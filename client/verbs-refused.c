/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verbs that people know from podman, docker and ctr and that dist does not have. Each message is
 * one line of 80 columns, so reasons are short; docs/docker.md has the same list. */

#include "client/verbs-refused.h"

#include "client/translate.h"

#include <glib.h>

static const struct {
    const char *word, *reason;
} refused_verbs[] = {
    {"builder", N_("\"dist build\" and buildah(1) build")},
    {"buildx", N_("\"dist build\" and buildah(1) build")},
    {"compose", N_("write a unit file for each container")},
    {"config", N_("containers get files by --volume or --secret")},
    {"context", N_("-H names another machine")},
    {"farm", N_("-H names other machines")},
    {"generate", N_("write a unit file for each container")},
    {"healthcheck", N_("the service checks by itself; see \"dist ps\"")},
    {"kube", N_("write a unit file for each container")},
    {"machine", N_("containers run on this machine")},
    {"manifest", N_("\"dist push\" sends an index as it is")},
    {"namespaces", N_("each user sees its own containers")},
    {"node", N_("-H names other machines")},
    {"oci", N_("--spec takes a configuration")},
    {"plugin", N_("the service has none")},
    {"plugins", N_("the service has none")},
    {"pprof", N_("see \"systemctl status berthd\"")},
    {"secret", N_("--secret passes a file, or a credential")},
    {"service", N_("write a unit file for each container")},
    {"shim", N_("no process stands beside a container")},
    {"snapshots", N_("\"dist mount\" shows an image's files")},
    {"stack", N_("write a unit file for each container")},
    {"swarm", N_("-H names other machines")},
    {"trust", N_("\"dist verify\" checks signatures")},
    {"umount", N_("umount(8) does it")},
    {"unmount", N_("umount(8) does it")},
    {"unshare", N_("unshare(1) does it")},
};

const char *dist_verb_find_reason(const char *word) {
    for (size_t i = 0; i < G_N_ELEMENTS(refused_verbs); i++)
        if (g_str_equal(refused_verbs[i].word, word))
            return _(refused_verbs[i].reason);
    return NULL;
}
