/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Verbs about images: their table, and those that transfer or mount images. dist runs one verb and
 * exits, so its options are static variables, which the tables of several verbs share. Names are
 * completed here, since the service only takes complete ones.
 */

#include "client/verbs.h"

#include "client/bus.h"
#include "client/format.h"
#include "client/image-call.h"
#include "client/progress-view.h"
#include "client/progress.h"
#include "client/pull.h"
#include "client/table.h"
#include "client/verbs-image-inspect.h"
#include "client/verbs-image-list.h"
#include "client/verbs-image-names.h"
#include "client/verbs-transfers.h"
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static DistImageOptions given;
static gboolean images_tls_verify = TRUE;
static char *images_auth_file, *images_digest_file;

/* podman's words about the registry. */
static const DistOption registry_options[] = {
    {"tls-verify", 0, DIST_OPTION_FLAG, &images_tls_verify,
     N_("=false: allow plain HTTP and certificates that cannot be checked"), NULL},
    {"creds", 0, DIST_OPTION_REFUSED, NULL,
     N_("every user can see the command line; use \"dist login\""), NULL},
    {"authfile", 0, DIST_OPTION_TEXT, &images_auth_file,
     N_("Read the registry's credentials from a file"), N_("FILE")},
    {"cert-dir", 0, DIST_OPTION_REFUSED, NULL,
     N_("certificates are in the certs.d directories of the service"), N_("DIRECTORY")},
    {"all-tags", 'a', DIST_OPTION_REFUSED, NULL,
     N_("name each tag; \"dist search --list-tags\" lists them"), NULL},
    {"disable-content-trust", 0, DIST_OPTION_FLAG, NULL, NULL, NULL},
    DIST_OPTION_END,
};

/* podman's words that could only mean another image than the one that is stored. */
#define AS_STORED N_("an image is sent as it is stored")

static const DistOption push_refused_options[] = {
    {"compression-format", 0, DIST_OPTION_REFUSED, NULL, AS_STORED, N_("FORMAT")},
    {"compression-level", 0, DIST_OPTION_REFUSED, NULL, AS_STORED, N_("NUMBER")},
    {"encryption-key", 0, DIST_OPTION_REFUSED, NULL, N_("encrypted images are not supported"),
     N_("KEY")},
    {"force-compression", 0, DIST_OPTION_REFUSED, NULL, AS_STORED, NULL},
    {"format", 'f', DIST_OPTION_REFUSED, NULL, AS_STORED, N_("FORMAT")},
    {"remove-signatures", 0, DIST_OPTION_REFUSED, NULL, AS_STORED, NULL},
    {"sign-by", 0, DIST_OPTION_REFUSED, NULL, N_("use cosign(1), and see \"dist verify\""),
     N_("KEY")},
    DIST_OPTION_END,
};

static const DistOption pull_options[] = {
    {"platform", 0, DIST_OPTION_TEXT, &given.platform,
     N_("Platform; this machine's if not "
        "given"),
     N_("OS/ARCH[/VARIANT]")},
    {"all-platforms", 0, DIST_OPTION_FLAG, &given.all_platforms,
     N_("Fetch the contents of all platforms"), NULL},
    {"lease", 0, DIST_OPTION_TEXT, &given.lease, N_("Keep fetched contents with this lease"), "ID"},
    {"insecure", 0, DIST_OPTION_FLAG, &given.insecure,
     N_("Allow plain HTTP and certificates that cannot be checked"), NULL},
    DIST_OPTION_INCLUDE(registry_options),
    DIST_OPTION_INCLUDE(dist_progress_options),
    DIST_OPTION_END,
};

static const DistOption fetch_options[] = {
    DIST_OPTION_INCLUDE(pull_options),
    DIST_OPTION_INCLUDE(dist_retry_options),
    {"policy", 0, DIST_OPTION_REFUSED, NULL,
     N_("a pull always asks the registry, and fetches what is missing; see \"dist run --pull\""),
     N_("POLICY")},
    DIST_OPTION_END,
};

static const DistOption push_options[] = {
    {"platform", 0, DIST_OPTION_TEXT, &given.platform, N_("Export only this platform of an index"),
     N_("OS/ARCH[/VARIANT]")},
    {"insecure", 0, DIST_OPTION_FLAG, &given.insecure,
     N_("Allow plain HTTP and certificates that cannot be checked"), NULL},
    DIST_OPTION_INCLUDE(registry_options),
    {"digestfile", 0, DIST_OPTION_TEXT, &images_digest_file,
     N_("Write the digest of what was pushed to a file"), N_("FILE")},
    DIST_OPTION_INCLUDE(push_refused_options),
    DIST_OPTION_INCLUDE(dist_progress_options),
    DIST_OPTION_END,
};

static void use_registry_options(void) {
    given.insecure = given.insecure || !images_tls_verify;
    if (images_auth_file)
        g_setenv("REGISTRY_AUTH_FILE", images_auth_file, TRUE);
}

/* One after another. The first failure ends it; completed transfers stay. remote: the argument
 * leads to a registry, which needs credentials; otherwise it is the name of a stored image. */
static int transfer_each(const char *member, bool remote, char **arguments, GError **error) {
    use_registry_options();
    for (; *arguments; arguments++) {
        g_autofree char *argument = dist_complete_reference(*arguments);
        bool good =
            remote ? dist_pull_as(member, argument, &given, argument, error)
                   : dist_finish_transfer(dist_image_call(member, argument, NULL, &given, error),
                                          argument, error);
        if (!good)
            return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

static int verb_fetch(char **argv, GError **error) {
    return transfer_each("Fetch", true, argv + 1, error);
}

static int verb_pull(char **argv, GError **error) {
    return transfer_each("Pull", true, argv + 1, error);
}

static int verb_unpack(char **argv, GError **error) {
    return transfer_each("Unpack", false, argv + 1, error);
}

/* As podman writes it: without a newline. */
static bool write_digest(const DistResult *result, GError **error) {
    if (!images_digest_file ||
        g_file_set_contents(images_digest_file, result->digest ? result->digest : "", -1, NULL))
        return true;
    return berth_error_set_errno(error, errno, _("write %s"), images_digest_file);
}

/* Pushes the image with the first name to the second; a single name is both. */
static int verb_push(char **argv, GError **error) {
    int argc = (int)g_strv_length(argv);
    g_auto(DistResult) result = {0};

    use_registry_options();
    g_autofree char *name = dist_complete_reference(argv[1]);
    g_autofree char *reference = dist_complete_reference(argv[argc - 1]);
    if (!dist_wait_reply(dist_image_call("Push", name, reference, &given, error), &result, error))
        return EXIT_FAILURE;
    puts(result.name ? result.name : reference);
    return write_digest(&result, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int verb_mount(char **argv, GError **error) {
    struct mount_attr foreign = {.attr_set =
                                     MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    int mount;

    g_autofree char *name = dist_complete_reference(argv[1]);
    g_autoptr(sd_bus_message) reply = dist_image_call("Mount", name, NULL, &given, error);
    if (!reply)
        return EXIT_FAILURE;
    int r = sd_bus_message_read(reply, "h", &mount);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    /* The service returns a detached mount; attaching it requires the caller's own rights
     * (move_mount(2)). A mount from another machine may contain anything, so it is restricted. */
    if (dist_settings.machine && syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH | AT_RECURSIVE,
                                         &foreign, sizeof foreign) < 0) {
        berth_error_set_errno(error, errno, _("mount it on %s"), argv[2]);
        return EXIT_FAILURE;
    }
    if (syscall(SYS_move_mount, mount, "", AT_FDCWD, argv[2], MOVE_MOUNT_F_EMPTY_PATH) < 0) {
        berth_error_set_errno(error, errno, _("mount it on %s"), argv[2]);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

static const DistOption resolve_options[] = {
    DIST_OPTION_INCLUDE(dist_resolve_options),
    DIST_OPTION_INCLUDE(dist_table_options),
    DIST_OPTION_END,
};

const DistVerb dist_image_verbs[] = {
    {.name = "pull",
     .arguments = N_("REFERENCE…"),
     .summary = N_("Pull images: fetch, unpack and name them"),
     .options = fetch_options,
     .run = verb_pull,
     .min = 1,
     .max = DIST_ANY_NUMBER,
     .example = "dist pull redis"},
    {.name = "images",
     .arguments = N_("[PATTERN]"),
     .summary = N_("List images"),
     .options = dist_images_options,
     .run = dist_verb_images,
     .max = 1,
     .example = "dist images 'docker.io/library/*'"},
    {.name = "inspect",
     .arguments = N_("NAME…"),
     .summary = N_("Show the configuration of an image, or everything about a container"),
     .options = dist_inspect_options,
     .run = dist_verb_inspect,
     .min = 1,
     .max = DIST_ANY_NUMBER,
     .example = "dist inspect --platform=linux/arm64 redis"},
    {.name = "tag",
     .arguments = N_("NAME NEW…"),
     .summary = N_("Give an image another name, or several"),
     .options = dist_tag_options,
     .run = dist_verb_tag,
     .min = 2,
     .max = DIST_ANY_NUMBER,
     .example = "dist tag redis registry.example.com/redis:mine"},
    {.name = "rmi",
     .arguments = N_("NAME…"),
     .summary = N_("Remove names of images"),
     .options = dist_rmi_options,
     .run = dist_verb_rmi,
     .max = DIST_ANY_NUMBER,
     .details = N_("Contents that no image needs any longer are deleted by \"dist prune\"."),
     .example = "dist rmi redis"},
    {.name = "untag",
     .arguments = N_("NAME…"),
     .summary = N_("Remove names of images"),
     .run = dist_verb_rmi,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = "verify",
     .arguments = N_("NAME"),
     .summary = N_("Check the signature of an image"),
     .options = dist_resolve_options,
     .run = dist_verb_verify,
     .min = 1,
     .max = 1},
    {.name = "mount",
     .arguments = N_("NAME DIRECTORY"),
     .summary = N_("Mount an image, read-only"),
     .options = pull_options,
     .run = verb_mount,
     .flags = DIST_VERB_THERE,
     .min = 2,
     .max = 2},
    {.name = "push",
     .arguments = N_("NAME [REFERENCE]"),
     .summary = N_("Push an image to a registry"),
     .options = push_options,
     .run = verb_push,
     .min = 1,
     .max = 2,
     .example = "dist push redis registry.example.com/redis:mine"},
    {.name = "resolve",
     .arguments = N_("REFERENCE"),
     .summary = N_("Show what a reference resolves to in its registry"),
     .options = resolve_options,
     .run = dist_verb_resolve,
     .flags = DIST_VERB_THERE,
     .min = 1,
     .max = 1},
    {.name = "fetch",
     .arguments = N_("REFERENCE…"),
     .summary = N_("Fetch the contents of images without naming them"),
     .options = fetch_options,
     .run = verb_fetch,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = "unpack",
     .arguments = N_("NAME…"),
     .summary = N_("Unpack images that were imported or fetched"),
     .options = pull_options,
     .run = verb_unpack,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = "transfers",
     .arguments = "",
     .summary = N_("List transfers"),
     .options = dist_transfers_options,
     .run = dist_verb_transfers},
    {.name = "cancel",
     .arguments = N_("TRANSFER"),
     .summary = N_("Cancel a transfer"),
     .run = dist_verb_cancel,
     .min = 1,
     .max = 1},
    {.name = NULL},
};
