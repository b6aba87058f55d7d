/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Verbs that people know from podman, docker and ctr and that dist does not have. Each message is
 * one line of 80 columns, so reasons are short; docs/docker.md has the same list.
 */

#include "client/verbs-refused.h"

#include "client/translate.h"

#include <glib.h>

static const struct {
    const char *word, *reason;
} refused_verbs[] = {
    {"builder", N_("use \"dist build\" or buildah(1)")},
    {"buildx", N_("use \"dist build\" or buildah(1)")},
    {"compose", N_("write a unit file for each container")},
    {"config", N_("use --volume or --secret to pass files")},
    {"context", N_("use -H for another machine")},
    {"farm", N_("use -H for other machines")},
    {"generate", N_("write a unit file for each container")},
    {"healthcheck", N_("the service runs health checks itself; see \"dist ps\"")},
    {"kube", N_("write a unit file for each container")},
    {"machine", N_("containers run on this machine")},
    {"manifest", N_("\"dist push\" sends an index as it is")},
    {"namespaces", N_("each user sees only their own containers")},
    {"node", N_("use -H for other machines")},
    {"oci", N_("use --spec with a configuration")},
    {"play", N_("write a unit file for each container")},
    {"plugin", N_("the service has no plugins")},
    {"plugins", N_("the service has no plugins")},
    {"pprof", N_("see \"systemctl status berthd\"")},
    {"secret", N_("--secret passes a file, or a credential")},
    {"service", N_("write a unit file for each container")},
    {"shim", N_("containers have no shim process")},
    {"snapshots", N_("\"dist mount\" shows an image's files")},
    {"stack", N_("write a unit file for each container")},
    {"swarm", N_("use -H for other machines")},
    {"trust", N_("\"dist verify\" checks signatures")},
    {"umount", N_("use umount(8)")},
    {"unmount", N_("use umount(8)")},
    {"unshare", N_("use unshare(1)")},
};

const char *dist_verb_find_reason(const char *word) {
    for (size_t i = 0; i < G_N_ELEMENTS(refused_verbs); i++)
        if (g_str_equal(refused_verbs[i].word, word))
            return _(refused_verbs[i].reason);
    return NULL;
}
