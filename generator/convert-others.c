/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The units of .volume, .network and .image files, and what .build files share with them: commands
 * that run once and ensure that something exists.
 */

#include "generator/conversion.h"
#include "generator/translate.h"
#include "generator/words.h"

#include <string.h>

/* RemainAfterExit= keeps the unit active, so that the containers that require it do not run the
 * command again (systemd.service(5)). */
void berth_convert_oneshot(const BerthConversion *conversion, const GPtrArray *words) {
    const BerthUnitLine *type = berth_unit_file_find(conversion->source->file, "Service", "Type");

    if (type && !g_str_equal(type->value, "oneshot"))
        berth_unit_line_error(conversion->problems, type, _("Type= can only be oneshot here"));
    berth_conversion_set_default(conversion, "Type", "oneshot");
    berth_conversion_set_default(conversion, "RemainAfterExit", "yes");
    berth_conversion_set_default(conversion, "SyslogIdentifier", "%N");
    berth_service_add_command(conversion->service, "ExecStart", "", words);
}

/* Only bind mounts are supported as a device. Containers mount the directory itself; the unit
 * ensures that it exists. */
static void convert_directory(const BerthConversion *conversion, const BerthUnitLine *device) {
    static const char *const types[] = {"bind", "none", NULL};
    static const char *const options[] = {"bind", "rbind", "rw", NULL};
    const BerthUnitLine *type = berth_conversion_find(conversion, "Type");
    const BerthUnitLine *option = berth_conversion_find(conversion, "Options");
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    g_autoptr(GString) path = g_string_new(NULL);
    g_auto(GStrv) given = g_strsplit(option ? option->value : "bind", ",", -1);

    if (device->value[0] != '/' || (type && !g_strv_contains(types, type->value)))
        berth_unit_line_error(conversion->problems, type ? type : device,
                              _("only a directory of the host with Type=bind is supported"));
    for (char **word = given; *word; word++)
        if (!g_strv_contains(options, *word))
            berth_unit_line_error(conversion->problems, option,
                                  _("Options=%s is not supported: the options of a mount are those "
                                    "of Volume="),
                                  *word);
    berth_words_append(path, conversion->source->resource);
    berth_service_add(conversion->service, "Unit", "RequiresMountsFor", path->str);
    g_ptr_array_add(words, (char *)"/usr/bin/test");
    g_ptr_array_add(words, (char *)"-d");
    g_ptr_array_add(words, conversion->source->resource);
    berth_convert_oneshot(conversion, words);
}

static void check_device_keys(const BerthConversion *conversion) {
    static const char *const keys[] = {"Type", "Options"};

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        const BerthUnitLine *line = berth_conversion_find(conversion, keys[i]);
        if (line)
            berth_unit_line_error(conversion->problems, line, _("%s= needs %s="), keys[i],
                                  "Device");
    }
}

/* With Device= there is no volume to create: the unit only checks the directory. */
void berth_convert_volume(BerthConversion *conversion) {
    const BerthUnitLine *copy = berth_conversion_find(conversion, "Copy");
    const BerthUnitLine *device = berth_conversion_find(conversion, "Device");
    const BerthUnitLine *driver = berth_conversion_find(conversion, "Driver");
    g_autoptr(GPtrArray) words =
        berth_conversion_new_command(conversion, "volume", "create", "--ignore", NULL);

    if (driver && !g_str_equal(driver->value, "local"))
        berth_unit_line_error(conversion->problems, driver,
                              _("Driver=%s is not supported: all volumes are local"),
                              driver->value);
    if (copy && !berth_conversion_get_flag(conversion, "Copy"))
        berth_conversion_refuse(conversion, copy, _("use the option nocopy of Volume="));
    if (device) {
        convert_directory(conversion, device);
        return;
    }
    check_device_keys(conversion);
    berth_conversion_add_keys(conversion, BERTH_VERB_VOLUME_CREATE, words);
    g_ptr_array_add(words, g_strdup(conversion->source->resource));
    berth_convert_oneshot(conversion, words);
}

/* Gateways and ranges are assigned to subnets by their position. */
static void check_counts(const BerthConversion *conversion) {
    static const char *const keys[] = {"Gateway", "IPRange"};
    const BerthUnitFile *file = conversion->source->file;
    g_autoptr(GPtrArray) subnets = berth_unit_file_list(file, conversion->section, "Subnet");

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autoptr(GPtrArray) lines = berth_unit_file_list(file, conversion->section, keys[i]);
        if (lines->len > subnets->len)
            berth_unit_line_error(conversion->problems,
                                  (const BerthUnitLine *)lines->pdata[subnets->len],
                                  _("%s= has no Subnet= that it belongs to"), keys[i]);
    }
}

/* Accepts only the value that describes what Berth does anyway. */
static void check_only(const BerthConversion *conversion, const char *key, const char *value) {
    const BerthUnitLine *line = berth_conversion_find(conversion, key);

    if (line && !g_str_equal(line->value, value))
        berth_unit_line_error(conversion->problems, line, _("%s=%s is not supported: only %s"), key,
                              line->value, value);
}

/* The MTU is an option of dist; the others belong to podman's drivers. */
static void add_network_options(const BerthConversion *conversion, GPtrArray *words) {
    static const char *const names[] = {"mtu=", "com.docker.network.driver.mtu="};
    const BerthUnitLine *line = berth_conversion_find(conversion, "Options");
    g_autoptr(GPtrArray) options = berth_conversion_get_words(conversion, "Options");

    for (unsigned i = 0; i < options->len; i++) {
        const char *option = options->pdata[i];
        size_t name = 0;
        while (name < G_N_ELEMENTS(names) && !g_str_has_prefix(option, names[name]))
            name++;
        g_autofree char *reason = NULL;
        if (name == G_N_ELEMENTS(names))
            berth_unit_line_error(conversion->problems, line, _("%s=%s is not supported: only %s"),
                                  "Options", option, "mtu");
        else if (berth_option_check(BERTH_VERB_NETWORK_CREATE, "mtu", NULL, &reason))
            berth_conversion_add_option(words, "mtu", option + strlen(names[name]));
        else
            berth_conversion_refuse(conversion, line, reason);
    }
}

/* "--ignore": a network of this name may exist already, made by hand or by an earlier start. Its
 * options are not compared with those in the file. */
void berth_convert_network(BerthConversion *conversion) {
    g_autoptr(GPtrArray) words =
        berth_conversion_new_command(conversion, "network", "create", "--ignore", NULL);
    const char *name = conversion->source->resource;

    check_counts(conversion);
    check_only(conversion, "Driver", "bridge");
    check_only(conversion, "IPAMDriver", "host-local");
    add_network_options(conversion, words);
    berth_conversion_add_keys(conversion, BERTH_VERB_NETWORK_CREATE, words);
    g_ptr_array_add(words, g_strdup(name));
    berth_convert_oneshot(conversion, words);
    if (berth_conversion_get_flag(conversion, "NetworkDeleteOnStop")) {
        g_autoptr(GPtrArray) remove =
            berth_conversion_new_command(conversion, "network", "rm", name, NULL);
        berth_service_add_command(conversion->service, "ExecStopPost", "", remove);
    }
}

/* A pull always asks the registry, and fetches only what is missing. */
static void check_policy(const BerthConversion *conversion) {
    const BerthUnitLine *policy = berth_conversion_find(conversion, "Policy");

    if (policy && !g_str_equal(policy->value, "always") && !g_str_equal(policy->value, "newer"))
        berth_unit_line_error(conversion->problems, policy,
                              _("Policy=%s is not supported: an .image always asks the registry"),
                              policy->value);
}

/* Mounts the image on a directory: a plain service with RootDirectory= there requires this unit
 * (systemd.exec(5)), and systemd unmounts it once no unit needs it any more. A unit of this kind is
 * named after its directory and cannot be a template (systemd.mount(5)). With default dependencies,
 * it would be mounted together with the local file systems, before the bus is available. */
static void add_image_mount(BerthConversion *conversion, const char *image) {
    static const char directory[] = "/run/berth/images";
    g_autofree char *name = berth_unit_name_get_stem(conversion->source->name);
    g_autofree char *escaped = berth_unit_name_escape(name);
    g_autofree char *unit = g_strdup_printf("run-berth-images-%s.mount", escaped);
    g_autofree char *plain = g_build_filename(directory, name, NULL);
    g_autofree char *place = berth_words_escape(plain, false);
    g_autofree char *source = berth_words_escape(conversion->source->path, false);
    const char *const lines[][3] = {
        {"Unit", "SourcePath", source},
        {"Unit", "DefaultDependencies", "no"},
        {"Unit", "Requires", conversion->source->service},
        {"Unit", "After", conversion->source->service},
        {"Unit", "Requires", "dbus.socket"},
        {"Unit", "After", "dbus.socket"},
        {"Unit", "Conflicts", "umount.target"},
        {"Unit", "Before", "umount.target"},
        {"Unit", "StopWhenUnneeded", "yes"},
        {"Mount", "What", image},
        {"Mount", "Where", place},
        {"Mount", "Type", "berth"},
        {"Mount", "Options", "ro,nosuid,nodev"},
        {"Mount", "DirectoryMode", "0700"},
    };

    /* mount(8) needs root; a user manager cannot run the unit. */
    if (conversion->set->scope == BERTH_UNITS_USER)
        return;
    conversion->service->other = berth_service_new(unit);
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
        berth_service_add(conversion->service->other, lines[i][0], lines[i][1], lines[i][2]);
}

void berth_convert_auth_file(const BerthConversion *conversion) {
    g_autofree char *file = berth_conversion_get(conversion, "AuthFile");

    if (!file)
        return;
    g_autofree char *path = berth_conversion_resolve_path(conversion, file, false);
    g_autofree char *variable = g_strconcat("REGISTRY_AUTH_FILE=", path, NULL);
    g_autoptr(GString) quoted = g_string_new(NULL);
    berth_words_append(quoted, variable);
    berth_service_add(conversion->service, "Service", "Environment", quoted->str);
}

/* OS/ARCH[/VARIANT], of this machine or another one. OS=linux alone has no effect. */
static void add_platform(const BerthConversion *conversion, GPtrArray *words) {
    g_autofree char *os = berth_conversion_get(conversion, "OS");
    g_autofree char *architecture = berth_conversion_get(conversion, "Arch");
    g_autofree char *variant = berth_conversion_get(conversion, "Variant");
    const char *alone = variant ? "Variant" : g_strcmp0(os ? os : "linux", "linux") ? "OS" : NULL;

    if (architecture) {
        g_autofree char *platform = g_strjoin("/", os ? os : "linux", architecture, variant, NULL);
        berth_conversion_add_option(words, "platform", platform);
    } else if (alone) {
        berth_unit_line_error(conversion->problems, berth_conversion_find(conversion, alone),
                              _("%s= needs %s="), alone, "Arch");
    }
}

void berth_convert_image(BerthConversion *conversion) {
    g_autofree char *image = berth_conversion_get(conversion, "Image");
    const BerthUnitLine *verify = berth_conversion_find(conversion, "TLSVerify");
    g_autoptr(GPtrArray) words = berth_conversion_new_command(conversion, "pull", NULL);

    if (!image) {
        berth_unit_line_error(
            conversion->problems,
            berth_unit_file_find_section(conversion->source->file, conversion->section),
            _("[%s] needs Image="), conversion->section);
        return;
    }
    check_policy(conversion);
    berth_convert_auth_file(conversion);
    if (verify && !berth_conversion_get_flag(conversion, "TLSVerify"))
        berth_conversion_add_option(words, "insecure", NULL);
    add_platform(conversion, words);
    berth_conversion_add_keys(conversion, BERTH_VERB_PULL, words);
    add_image_mount(conversion, image);
    /* dist pull reports its progress. */
    berth_service_add(conversion->service, "Service", "NotifyAccess", "main");
    g_ptr_array_add(words, g_steal_pointer(&image));
    berth_convert_oneshot(conversion, words);
}
