/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Verbs that people know from podman, docker and ctr and that dist does not have. Each message is
 * one line of 80 columns, so reasons are short; docs/docker.md and docs/podman.md have them, too.
 */

#include "client/verbs-refused.h"

#include "client/translate.h"

#include <glib.h>

static const struct {
    const char *words, *reason;
} refused_verbs[] = {
    {"artifact", N_("\"dist fetch-object\", or --mount=type=artifact")},
    {"builder", N_("use \"dist build\" or buildah(1)")},
    {"buildx", N_("use \"dist build\" or buildah(1)")},
    {"compose", N_("write a unit file for each container")},
    {"config", N_("use --volume or --secret to pass files")},
    {"context", N_("use -H for another machine")},
    {"farm", N_("use -H for other machines")},
    {"generate", N_("write a unit file for each container")},
    {"healthcheck", N_("the service runs them; see \"dist ps\"")},
    {"init", N_("\"dist start\" prepares it, too")},
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
    {"quadlet", N_("use \"dist unit\"")},
    {"runlabel", N_("\"dist inspect\" shows labels")},
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
    {"container cleanup", N_("the service cleans up itself")},
    {"container clone", N_("create another one of the same image")},
    {"container init", N_("\"dist start\" prepares it, too")},
    {"container mount", N_("\"dist cp\" copies its files")},
    {"container runlabel", N_("\"dist inspect\" shows labels")},
    {"container umount", N_("use umount(8)")},
    {"container unmount", N_("use umount(8)")},
    {"image diff", N_("\"dist diff\" shows a container's changes")},
    {"image scp", N_("use \"dist save\" and \"dist -H HOST load\"")},
    {"image sign", N_("use cosign(1), and see \"dist verify\"")},
    {"image trust", N_("the policy is in berth.conf(5)")},
    {"image umount", N_("use umount(8)")},
    {"image unmount", N_("use umount(8)")},
    {"network reload", N_("use \"systemctl reload berthd\"")},
    {"network update", N_("delete it and create it again")},
    {"pod clone", N_("create another one with \"dist pod create\"")},
    {"pod top", N_("use \"dist top\" for its containers")},
    {"system connection", N_("use -H for another machine")},
    {"system dial-stdio", N_("-H connects both buses")},
    {"system migrate", N_("containers survive an upgrade")},
    {"system renumber", N_("the service has no locks to renumber")},
    {"system service", N_("it is on the bus; see org.berth1(5)")},
    {"volume export", N_("\"dist cp\" with a container that has it")},
    {"volume import", N_("\"dist cp\" with a container that has it")},
    {"volume mount", N_("see \"dist volume inspect\"")},
    {"volume reload", N_("the service knows all volumes")},
    {"volume umount", N_("see \"dist volume inspect\"")},
    {"volume unmount", N_("see \"dist volume inspect\"")},
};

const char *dist_verb_find_reason(const char *words) {
    for (size_t i = 0; i < G_N_ELEMENTS(refused_verbs); i++)
        if (g_str_equal(refused_verbs[i].words, words))
            return _(refused_verbs[i].reason);
    return NULL;
}
