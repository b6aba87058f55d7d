/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The unit of a .container file: dist run in the foreground, so that its exit status, its output
 * and its cgroup are the unit's. Type=notify is the default: dist reports readiness. All errors are
 * collected; a unit with an error is not written (convert.c).
 */

#include "generator/conversion.h"
#include "generator/translate.h"
#include "generator/words.h"

#include <string.h>
#include <unistd.h>

/* The start may include a pull, which takes longer than systemd's default of 90 s. The stop
 * time-out exceeds the container's own StopTimeout=, so that systemd does not kill dist before the
 * service has killed the container. systemd's default is 90 s, but some distributions have 45 s, or
 * administrators less (DefaultTimeoutStopSec=): it is relied on only for the shortest times. */
#define START_TIMEOUT "15min"
enum { DEFAULT_STOP_SECONDS = 90, SHORT_STOP_SECONDS = 10, STOP_MARGIN_SECONDS = 10 };

static const BerthUnitLine *find_in_service(const BerthConversion *conversion, const char *key) {
    return berth_unit_file_find(conversion->source->file, "Service", key);
}

/* dist run supports these two types: it sends READY=1, or exits with the container. A unit of
 * Type=oneshot has started when its main process has exited (systemd.service(5)), so it needs no
 * notification. */
static bool is_oneshot(const BerthConversion *conversion) {
    const BerthUnitLine *type = find_in_service(conversion, "Type");

    if (type && !g_str_equal(type->value, "notify") && !g_str_equal(type->value, "oneshot"))
        berth_unit_line_error(conversion->problems, type,
                              _("Type= can only be notify or oneshot here"));
    return type && g_str_equal(type->value, "oneshot");
}

/* TimeoutSec= in the file sets both times (systemd.service(5)), so no default may override it. */
static void add_timeouts(const BerthConversion *conversion, bool oneshot) {
    g_autofree char *stop = berth_convert_get_stop_timeout(conversion);
    guint64 seconds = stop ? g_ascii_strtoull(stop, NULL, 10) : 0;

    if (!oneshot && !find_in_service(conversion, "TimeoutSec"))
        berth_conversion_set_default(conversion, "TimeoutStartSec", START_TIMEOUT);
    if (seconds > SHORT_STOP_SECONDS && seconds < G_MAXINT32 &&
        !find_in_service(conversion, "TimeoutSec")) {
        g_autofree char *text =
            g_strdup_printf("%" G_GUINT64_FORMAT,
                            MAX(seconds + STOP_MARGIN_SECONDS, (guint64)DEFAULT_STOP_SECONDS));
        berth_conversion_set_default(conversion, "TimeoutStopSec", text);
    }
}

/* When the unit is ready: on the container's own notification, when its health checks succeed, or
 * once it runs. */
static void add_notify(const BerthConversion *conversion, bool oneshot, GPtrArray *words) {
    const BerthUnitLine *line = berth_conversion_find(conversion, "Notify");
    bool healthy = line && g_ascii_strcasecmp(line->value, "healthy") == 0;
    bool container = line && !healthy && berth_conversion_get_flag(conversion, "Notify");
    const char *mode = oneshot ? "no" : healthy ? "healthy" : container ? "container" : "started";

    berth_conversion_add_option(words, "notify", mode);
}

/* journald and passthrough describe what a unit does anyway: its output goes to the journal. */
static void add_log_driver(const BerthConversion *conversion) {
    const BerthUnitLine *line = berth_conversion_find(conversion, "LogDriver");

    if (!line || g_str_equal(line->value, "journald") || g_str_equal(line->value, "passthrough"))
        return;
    if (g_str_equal(line->value, "none")) {
        berth_conversion_set_default(conversion, "StandardOutput", "null");
        berth_conversion_set_default(conversion, "StandardError", "null");
        return;
    }
    berth_unit_line_error(conversion->problems, line,
                          _("LogDriver=%s is not supported: output goes to the journal"),
                          line->value);
}

/* tag=NAME: what the journal calls the source of the output, which the caller frees; NULL if there
 * is none. podman expands templates in it. */
static char *find_log_tag(const BerthConversion *conversion) {
    g_autoptr(GPtrArray) options = berth_conversion_get_words(conversion, "LogOpt");
    const BerthUnitLine *line = berth_conversion_find(conversion, "LogOpt");
    const char *tag = NULL;

    for (unsigned i = 0; i < options->len; i++) {
        const char *option = options->pdata[i];
        if (!g_str_has_prefix(option, "tag=") || strstr(option, "{{"))
            berth_unit_line_error(conversion->problems, line,
                                  _("LogOpt=%s is not supported: use tag=NAME, without a template"),
                                  option);
        else
            tag = option + strlen("tag=");
    }
    return tag && *tag ? g_strdup(tag) : NULL;
}

/* split is podman's word for a cgroup below the unit's, which its generator uses. */
static void add_cgroup(const BerthConversion *conversion, GPtrArray *words) {
    static const char *const below[] = {"split", "no-conmon", NULL};
    const BerthUnitLine *line = berth_conversion_find(conversion, "CgroupsMode");
    bool scope = line && g_str_equal(line->value, "enabled");

    if (line && !scope && !g_strv_contains(below, line->value))
        berth_unit_line_error(conversion->problems, line, _("CgroupsMode=%s is not supported"),
                              line->value);
    berth_conversion_add_option(words, "cgroup", scope ? "scope" : "caller");
}

/* "-" before a device omits the device if it does not exist. */
static void convert_devices(const BerthConversion *conversion, GPtrArray *words) {
    g_autoptr(GPtrArray) devices = berth_conversion_get_words(conversion, "AddDevice");

    for (unsigned i = 0; i < devices->len; i++) {
        const char *device = devices->pdata[i];
        bool optional = device[0] == '-';
        device += optional;
        g_autofree char *node = g_strndup(device, strcspn(device, ":"));
        if (!optional || access(node, F_OK) == 0)
            berth_conversion_add_option(words, "device", device);
    }
}

static void convert_user(const BerthConversion *conversion, GPtrArray *words) {
    g_autofree char *user = berth_conversion_get(conversion, "User");
    g_autofree char *group = berth_conversion_get(conversion, "Group");

    if (group && !user)
        berth_unit_line_error(conversion->problems, berth_conversion_find(conversion, "Group"),
                              _("Group= needs User="));
    if (!user)
        return;
    g_autofree char *both = g_strconcat(user, group ? ":" : NULL, group, NULL);
    berth_conversion_add_option(words, "user", both);
}

/* Without SELinux these keys do nothing, in podman as well. With it, a container without a label of
 * its own is not what the file asks for. */
static void check_labels(const BerthConversion *conversion) {
    static const char *const keys[] = {"SecurityLabelFileType", "SecurityLabelLevel",
                                       "SecurityLabelNested", "SecurityLabelType"};
    bool has_selinux = access("/sys/fs/selinux/enforce", F_OK) == 0;

    for (size_t i = 0; has_selinux && i < G_N_ELEMENTS(keys); i++) {
        const BerthUnitLine *line = berth_conversion_find(conversion, keys[i]);
        if (line)
            berth_conversion_refuse(conversion, line,
                                    _("containers have no SELinux label of their own"));
    }
}

static void add_security_option(GPtrArray *words, const char *name, const char *value) {
    g_autofree char *option = g_strconcat(name, value, NULL);

    berth_conversion_add_option(words, "security-opt", option);
}

/* No-new-privileges is always set, so NoNewPrivileges=yes is accepted without effect. With
 * ReadOnly=, /tmp stays writable. */
static void add_security(const BerthConversion *conversion, GPtrArray *words) {
    static const char *const options[][2] = {{"Mask", "mask="}, {"Unmask", "unmask="}};
    g_autofree char *profile = berth_conversion_get(conversion, "AppArmor");
    const BerthUnitLine *line = berth_conversion_find(conversion, "NoNewPrivileges");

    if (line && !berth_conversion_get_flag(conversion, "NoNewPrivileges"))
        berth_conversion_refuse(conversion, line,
                                _("processes in containers never gain privileges"));
    if (profile)
        add_security_option(words, "apparmor=", profile);
    for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
        g_autoptr(GPtrArray) values = berth_conversion_get_words(conversion, options[i][0]);
        for (unsigned j = 0; j < values->len; j++)
            add_security_option(words, options[i][1], values->pdata[j]);
    }
    if (berth_conversion_get_flag(conversion, "SecurityLabelDisable"))
        berth_conversion_add_option(words, "security-opt", "label=disable");
    if (berth_conversion_get_flag(conversion, "VolatileTmp") &&
        !berth_conversion_get_flag(conversion, "ReadOnly"))
        berth_conversion_add_option(words, "tmpfs", "/tmp:rw,size=512M,mode=1777");
}

/* "-" before a path: the file may be missing. It is looked for when the container starts. */
static void add_environment_files(const BerthConversion *conversion, GPtrArray *words) {
    g_autoptr(GPtrArray) files = berth_conversion_get_words(conversion, "EnvironmentFile");

    for (unsigned i = 0; i < files->len; i++) {
        const char *file = files->pdata[i];
        bool optional = file[0] == '-';
        g_autofree char *path = berth_conversion_resolve_path(conversion, file + optional, true);
        g_autofree char *value = g_strconcat(optional ? "-" : "", path, NULL);
        berth_conversion_add_option(words, "env-file", value);
    }
}

/* podman's label, which dist auto-update reads. */
static void add_update_label(const BerthConversion *conversion, GPtrArray *words) {
    const BerthUnitLine *line = berth_conversion_find(conversion, "AutoUpdate");

    if (!line)
        return;
    if (!g_str_equal(line->value, "registry") && !g_str_equal(line->value, "local"))
        berth_unit_line_error(conversion->problems, line,
                              _("AutoUpdate= takes registry or local, not \"%s\""), line->value);
    g_autofree char *label = g_strconcat("io.containers.autoupdate=", line->value, NULL);
    berth_conversion_add_option(words, "label", label);
}

static void add_reload(const BerthConversion *conversion) {
    const char *name = conversion->source->resource;
    const BerthUnitLine *signal = berth_conversion_find(conversion, "ReloadSignal");
    g_autoptr(GPtrArray) command = g_ptr_array_new_with_free_func(g_free);
    const BerthUnitLine *line = berth_conversion_find(conversion, "ReloadCmd");

    if (line)
        berth_words_split(command, line->value);
    if (signal && line)
        berth_unit_line_error(conversion->problems, line,
                              _("ReloadCmd= and ReloadSignal= exclude each other"));
    if (signal && berth_conversion_check_value(conversion, signal, "signal", signal->value)) {
        g_autofree char *option = g_strconcat("--signal=", signal->value, NULL);
        g_autoptr(GPtrArray) words =
            berth_conversion_new_command(conversion, "kill", option, name, NULL);
        berth_service_add_command(conversion->service, "ExecReload", "", words);
    } else if (line) {
        g_autoptr(GPtrArray) words = berth_conversion_new_command(conversion, "exec", name, NULL);
        g_ptr_array_extend_and_steal(words, g_steal_pointer(&command));
        berth_service_add_command(conversion->service, "ExecReload", "", words);
    }
}

/* An empty entry point is none, as in podman-systemd.unit(5), not that of the image. */
static void add_empty_entrypoint(const BerthConversion *conversion, GPtrArray *words) {
    if (berth_unit_file_resets(conversion->source->file, conversion->section, "Entrypoint"))
        berth_conversion_add_option(words, "entrypoint", "");
}

/* The image, and the command to run in it. */
static void convert_image_key(const BerthConversion *conversion, GPtrArray *words) {
    const BerthUnitLine *line = berth_conversion_find(conversion, "Image");
    const BerthUnitLine *root = berth_conversion_find(conversion, "Rootfs");
    const BerthUnitLine *command = berth_conversion_find(conversion, "Exec");
    g_autofree char *reason = NULL;

    if (!line == !root)
        berth_unit_line_error(
            conversion->problems,
            berth_unit_file_find_section(conversion->source->file, conversion->section),
            _("[%s] needs either Image= or Rootfs="), conversion->section);
    if (root && !berth_option_check(BERTH_VERB_RUN, "rootfs", NULL, &reason))
        berth_conversion_refuse(conversion, root, reason);
    if (root && berth_option_find(BERTH_VERB_RUN, "rootfs", strlen("rootfs")))
        berth_conversion_add_option(words, "rootfs", NULL);
    g_autofree char *name = line || root ? berth_unit_line_get_text(line ? line : root) : NULL;
    BerthUnitKind kind = line ? berth_unit_kind_of(name) : BERTH_UNIT_KINDS;
    if (kind == BERTH_UNIT_IMAGE || kind == BERTH_UNIT_BUILD) {
        char *image = berth_conversion_require(conversion, line, name);
        g_free(name);
        name = image;
    }
    if (name)
        g_ptr_array_add(words, g_steal_pointer(&name));
    if (command && !berth_words_split(words, command->value))
        berth_problem_add(conversion->problems, BERTH_PROBLEM_WARNING, command->file, command->line,
                          _("%s=: a quote is not closed"), command->key);
}

/* The order of options does not matter to dist, but the image follows all of them, and the command
 * comes last. PodmanArgs= is added by berth_conversion_add_keys(), after the options that follow
 * from keys. */
static void add_commands(const BerthConversion *conversion, bool oneshot) {
    const char *name = conversion->source->resource;
    g_autoptr(GPtrArray) words =
        berth_conversion_new_command(conversion, "run", "--replace", "--rm", NULL);
    g_autoptr(GPtrArray) remove =
        berth_conversion_new_command(conversion, "rm", "--force", "--ignore", name, NULL);

    berth_conversion_add_option(words, "name", name);
    add_cgroup(conversion, words);
    add_notify(conversion, oneshot, words);
    berth_convert_networks(conversion, words);
    berth_convert_member(conversion, words);
    convert_devices(conversion, words);
    convert_user(conversion, words);
    check_labels(conversion);
    add_security(conversion, words);
    add_environment_files(conversion, words);
    berth_convert_volumes(conversion, words);
    berth_convert_mounts(conversion, words);
    add_update_label(conversion, words);
    berth_convert_secrets(conversion, words);
    add_empty_entrypoint(conversion, words);
    berth_conversion_add_keys(conversion, BERTH_VERB_RUN, words);
    convert_image_key(conversion, words);
    berth_service_add_command(conversion->service, "ExecStart", "", words);
    /* If dist is killed, the container may still exist. */
    berth_service_add_command(conversion->service, "ExecStopPost", "-", remove);
    add_reload(conversion);
}

void berth_convert_container(BerthConversion *conversion) {
    bool oneshot = is_oneshot(conversion);
    g_autofree char *tag = find_log_tag(conversion);

    if (!oneshot)
        berth_conversion_set_default(conversion, "Type", "notify");
    else
        /* dist reports the progress of a pull, and why it failed. */
        berth_service_add(conversion->service, "Service", "NotifyAccess", "main");
    berth_convert_service(conversion, tag);
    add_timeouts(conversion, oneshot);
    add_log_driver(conversion);
    berth_convert_proxy(conversion);
    berth_convert_check_users(conversion);
    add_commands(conversion, oneshot);
}
