/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The units of .volume, .network and .image files: commands that run once and see to it that
 * something is there. */

#include "generator/conversion.h"
#include "generator/translate.h"

static void add_oneshot(const BerthConversion *conversion, const GPtrArray *words) {
    const BerthUnitLine *type = berth_unit_file_find(conversion->source->file, "Service", "Type");

    if (type && !g_str_equal(type->value, "oneshot"))
        berth_unit_line_error(conversion->problems, type, _("Type= can only be oneshot here"));
    berth_conversion_set_default(conversion, "Type", "oneshot");
    berth_conversion_set_default(conversion, "RemainAfterExit", "yes");
    berth_conversion_set_default(conversion, "SyslogIdentifier", "%N");
    berth_service_add_command(conversion->service, "ExecStart", "", words);
}

void berth_convert_volume(BerthConversion *conversion) {
    const BerthUnitLine *driver = berth_conversion_find(conversion, "Driver");
    g_autoptr(GPtrArray) words =
        berth_conversion_new_command(conversion, "volume", "create", "--ignore", NULL);

    if (driver && !g_str_equal(driver->value, "local"))
        berth_unit_line_error(conversion->problems, driver,
                              _("Driver=%s is not supported: all volumes are local"),
                              driver->value);
    berth_conversion_add_keys(conversion, BERTH_VERB_VOLUME_CREATE, words);
    g_ptr_array_add(words, g_strdup(conversion->source->resource));
    add_oneshot(conversion, words);
}

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

void berth_convert_network(BerthConversion *conversion) {
    g_autoptr(GPtrArray) words =
        berth_conversion_new_command(conversion, "network", "create", "--ignore", NULL);
    const char *name = conversion->source->resource;

    check_counts(conversion);
    berth_conversion_add_keys(conversion, BERTH_VERB_NETWORK_CREATE, words);
    g_ptr_array_add(words, g_strdup(name));
    add_oneshot(conversion, words);
    if (berth_conversion_get_flag(conversion, "NetworkDeleteOnStop")) {
        g_autoptr(GPtrArray) remove =
            berth_conversion_new_command(conversion, "network", "rm", name, NULL);
        berth_service_add_command(conversion->service, "ExecStopPost", "", remove);
    }
}

/* A pull always asks the registry, and fetches only what is not here. */
static void check_policy(const BerthConversion *conversion) {
    const BerthUnitLine *policy = berth_conversion_find(conversion, "Policy");

    if (policy && !g_str_equal(policy->value, "always") && !g_str_equal(policy->value, "newer"))
        berth_unit_line_error(conversion->problems, policy,
                              _("Policy=%s is not supported: an .image always asks the registry"),
                              policy->value);
}

void berth_convert_image(BerthConversion *conversion) {
    g_autofree char *image = berth_conversion_get(conversion, "Image");
    g_autofree char *file = berth_conversion_get(conversion, "AuthFile");
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
    if (file) {
        g_autofree char *path = berth_conversion_resolve_path(conversion, file, false);
        g_autofree char *variable = g_strdup_printf("\"REGISTRY_AUTH_FILE=%s\"", path);
        berth_service_add(conversion->service, "Service", "Environment", variable);
    }
    if (verify && !berth_conversion_get_flag(conversion, "TLSVerify"))
        berth_conversion_add_option(words, "insecure", NULL);
    berth_conversion_add_keys(conversion, BERTH_VERB_PULL, words);
    g_ptr_array_add(words, g_steal_pointer(&image));
    add_oneshot(conversion, words);
}
