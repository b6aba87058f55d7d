/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* clang-format off */
/*
 * Pulls an image, runs a command in a container based on it, and prints the command's output; uses
 * the code that gdbus-codegen generates from the interfaces. Methods that pass descriptors need an
 * annotation; those of Start are among its options.
 *
 *     dir=$(pkg-config --variable=interfacesdir berth)
 *     gdbus-codegen --generate-c-code berth-dbus --c-namespace Berth --interface-prefix org.berth1. \
 *         --c-generate-autocleanup all \
 *         --annotate "org.berth1.Container.Start()" org.gtk.GDBus.C.UnixFD true \
 *         --annotate "org.berth1.Container.Logs()" org.gtk.GDBus.C.UnixFD true \
 *         $dir/org.berth1.Images.xml $dir/org.berth1.Transfer.xml \
 *         $dir/org.berth1.Containers.xml $dir/org.berth1.Container.xml
 *     gcc app.c berth-dbus.c $(pkg-config --cflags --libs gio-unix-2.0) -o app
 *     ./app IMAGE COMMAND…
 */
/* clang-format on */

#include "berth-dbus.h"

#include <gio/gunixfdlist.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME "org.berth1"

static GVariant *no_options(void) {
    return g_variant_new("a{sv}", NULL);
}

static void on_transfer_changed(BerthTransfer *transfer, GParamSpec *property, gpointer loop) {
    const char *state = berth_transfer_get_state(transfer);

    (void)property;
    printf("%s: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " bytes\n", state,
           berth_transfer_get_done(transfer), berth_transfer_get_total(transfer));
    if (!g_str_equal(state, "running"))
        g_main_loop_quit(loop);
}

/* Returns the name of the image, which the caller frees; NULL with error set. */
static char *pull_image(const char *reference, GError **error) {
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autofree char *path = NULL;
    const char *message;
    char *name = NULL;

    g_autoptr(BerthImages) images = berth_images_proxy_new_for_bus_sync(
        G_BUS_TYPE_SYSTEM, G_DBUS_PROXY_FLAGS_NONE, NAME, "/org/berth1/images", NULL, error);
    if (!images ||
        !berth_images_call_pull_sync(images, reference, no_options(), &path, NULL, error))
        return NULL;
    g_autoptr(BerthTransfer) transfer = berth_transfer_proxy_new_for_bus_sync(
        G_BUS_TYPE_SYSTEM, G_DBUS_PROXY_FLAGS_NONE, NAME, path, NULL, error);
    if (!transfer)
        return NULL;
    /* If the transfer has already ended, the result is in the proxy's cache, and no signal follows.
     */
    g_signal_connect(transfer, "notify::done", G_CALLBACK(on_transfer_changed), loop);
    g_signal_connect(transfer, "notify::state", G_CALLBACK(on_transfer_changed), loop);
    on_transfer_changed(transfer, NULL, loop);
    if (g_str_equal(berth_transfer_get_state(transfer), "running"))
        g_main_loop_run(loop);
    g_variant_get_child(berth_transfer_get_error(transfer), 1, "&s", &message);
    if (!g_str_equal(berth_transfer_get_state(transfer), "done"))
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED, message);
    else
        g_variant_lookup(berth_transfer_get_result(transfer), "Name", "s", &name);
    return name;
}

static BerthContainer *create_container(const char *image, char **command, GError **error) {
    g_auto(GVariantDict) options = G_VARIANT_DICT_INIT(NULL);
    g_autofree char *path = NULL;

    g_autoptr(BerthContainers) containers = berth_containers_proxy_new_for_bus_sync(
        G_BUS_TYPE_SYSTEM, G_DBUS_PROXY_FLAGS_NONE, NAME, "/org/berth1/containers", NULL, error);
    g_variant_dict_insert_value(&options, "Command",
                                g_variant_new_strv((const char *const *)command, -1));
    if (!containers || !berth_containers_call_create_sync(
                           containers, "", image, g_variant_dict_end(&options), &path, NULL, error))
        return NULL;
    return berth_container_proxy_new_for_bus_sync(G_BUS_TYPE_SYSTEM, G_DBUS_PROXY_FLAGS_NONE, NAME,
                                                  path, NULL, error);
}

/* The journal has the container's output. With the option Follow, the pipe continues with new
 * lines. */
static gboolean print_output(BerthContainer *container, GError **error) {
    g_autoptr(GUnixFDList) files = NULL;
    g_autoptr(GVariant) handle = NULL;
    char line[4096];

    if (!berth_container_call_logs_sync(container, no_options(), NULL, &handle, &files, NULL,
                                        error))
        return FALSE;
    int pipe = g_unix_fd_list_get(files, g_variant_get_handle(handle), error);
    FILE *output = pipe < 0 ? NULL : fdopen(pipe, "r");
    if (!output)
        return FALSE;
    while (fgets(line, sizeof line, output))
        printf("log: %s", line);
    fclose(output);
    return TRUE;
}

static int run_command(const char *image, char **command, GError **error) {
    g_autoptr(BerthContainer) container = create_container(image, command, error);
    guint64 exited;
    guint pid;
    int status;

    if (!container ||
        !berth_container_call_start_sync(container, no_options(), NULL, &pid, NULL, NULL, error))
        return EXIT_FAILURE;
    printf("process: %u\n", pid);
    /* Wait takes as long as the command runs. */
    g_dbus_proxy_set_default_timeout(G_DBUS_PROXY(container), G_MAXINT);
    if (!berth_container_call_wait_sync(container, "", no_options(), &status, &exited, NULL,
                                        error) ||
        !print_output(container, error) ||
        !berth_container_call_delete_sync(container, no_options(), &status, &exited, NULL, error))
        return EXIT_FAILURE;
    printf("exit status: %d\n", status);
    return status;
}

int main(int argc, char **argv) {
    g_autoptr(GError) error = NULL;
    g_autofree char *name = argc > 2 ? pull_image(argv[1], &error) : NULL;
    int status = name ? run_command(name, argv + 2, &error) : EXIT_FAILURE;

    if (error)
        fprintf(stderr, "%s\n", error->message);
    return status;
}
