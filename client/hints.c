/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Hints for errors of the service. The service states facts, which all clients need; only dist
 * knows which of its commands helps. An entry is found by the error's name and text; docs/errors.md
 * lists the texts.
 */

#include "client/hints.h"

#include "client/pattern.h"
#include "client/settings.h"

static const struct {
    BerthErrorCode code;
    const char *text; /* as the service has it */
    const char *hint; /* may use the text's arguments: %1$s */
    bool instead;     /* of the text, if both together would be too long */
} hints[] = {
    {BERTH_ERROR_NOT_FOUND, "there is no image \"%s\" here", N_("\"dist pull\" fetches it")},
    {BERTH_ERROR_NOT_FOUND, "the archive is incomplete: %s", N_("export the image again")},
    {BERTH_ERROR_NOT_FOUND, "%s: %s (%s) is not here",
     N_("\"dist fetch --all-platforms %1$s\" fetches it; --platform selects one that is stored")},
    {BERTH_ERROR_NOT_FOUND, "container \"%s\" has no checkpoint",
     N_("\"dist checkpoint %1$s\" makes one")},
    {BERTH_ERROR_NOT_FOUND, "there is no container \"%.100s\"",
     N_("\"dist ps -a\" lists containers")},
    {BERTH_ERROR_FAILED_PRECONDITION, "container \"%s\" is running; stop it first",
     N_("\"dist rm -f %1$s\" does both")},
    {BERTH_ERROR_ALREADY_EXISTS, "there is a container \"%s\" already",
     N_("\"dist rm %1$s\" deletes it")},
    {BERTH_ERROR_INVALID_ARGUMENT,
     "\"%.100s\" is not a property that can be changed; see systemd.resource-control(5)",
     N_("unknown property \"%1$s\"; see systemd.resource-control(5)"), .instead = true},
    {BERTH_ERROR_INVALID_ARGUMENT, "the port \"%.100s\" needs a network",
     N_("name one with --network")},
    {BERTH_ERROR_IN_USE, "port %u/%s is in use", N_("\"dist ps\" lists ports")},
    {BERTH_ERROR_NOT_FOUND, "%s: the registry answered 404 to manifests/%s: %s",
     N_("the registry has no image %1$s:%2$s (404)"), .instead = true},
    {BERTH_ERROR_NOT_FOUND, "%s: the registry answered 404 to manifests/%s",
     N_("the registry has no image %1$s:%2$s (404)"), .instead = true},
    {BERTH_ERROR_UNAUTHORIZED, "%s: the registry answered 401 to %s",
     N_("\"dist login\" stores credentials for it")},
    {BERTH_ERROR_UNAUTHORIZED, "%s: the token server answered %s",
     N_("\"dist login\" stores credentials for it")},
    {BERTH_ERROR_INVALID_ARGUMENT,
     "this is not an image archive: it has neither index.json nor manifest.json",
     N_("\"dist import --rootfs\" takes a root file system")},
    {BERTH_ERROR_UNSUPPORTED, "a container with a network cannot be checkpointed",
     N_("--network=none creates one without")},
    {BERTH_ERROR_INTERNAL, "The name org.berth1 was not provided by any .service files",
     N_("is Berth's service installed?")},
    /* From dbus-daemon. Whether the call had any effect is not known. */
    {BERTH_ERROR_INTERNAL, "Message recipient disconnected from message bus without replying",
     N_("the service ended during the call; \"dist ps -a\" shows whether it took effect")},
};

char *dist_hint_complete(BerthErrorCode code, const char *text, const char *translated) {
    for (size_t i = 0; i < G_N_ELEMENTS(hints); i++) {
        g_autoptr(GPtrArray) arguments =
            hints[i].code == code ? dist_pattern_match(hints[i].text, text) : NULL;
        if (!arguments)
            continue;
        char *hint = dist_pattern_fill(_(hints[i].hint), arguments);
        if (hints[i].instead)
            return hint;
        char *whole = g_strconcat(translated, "; ", hint, NULL);
        g_free(hint);
        return whole;
    }
    return g_strdup(translated);
}
