/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Health checks at creation: a value that the caller does not give is taken from the image, or else
 * is a default. The result is stored in the record, and nothing else affects the check later. There
 * is no state here.
 */

#include "containers/spec/health-options.h"

#define DEFAULT_INTERVAL_USEC (30ull * G_USEC_PER_SEC)
#define DEFAULT_TIMEOUT_USEC (30ull * G_USEC_PER_SEC)
#define DEFAULT_START_INTERVAL_USEC (5ull * G_USEC_PER_SEC)

enum { DEFAULT_RETRIES = 3 };

/* The numbers of a check, in the order in which the configuration of an image has the first four.
 */
enum { INTERVAL, TIMEOUT, START_PERIOD, RETRIES, START_INTERVAL, NUMBER_COUNT };

static GVariant *make_variant(char *const *command, const uint64_t numbers[NUMBER_COUNT],
                              BerthHealthAction action, GVariant *startup) {
    static const char *const names[NUMBER_COUNT] = {
        [INTERVAL] = "IntervalUSec",
        [TIMEOUT] = "TimeoutUSec",
        [START_PERIOD] = "StartPeriodUSec",
        [RETRIES] = "Retries",
        [START_INTERVAL] = "StartIntervalUSec",
    };
    g_auto(GVariantDict) options = G_VARIANT_DICT_INIT(NULL);

    g_variant_dict_insert_value(&options, "Command",
                                g_variant_new_strv((const char *const *)command, -1));
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        g_variant_dict_insert(&options, names[i], "t", (guint64)numbers[i]);
    if (action != BERTH_HEALTH_ACTION_NONE)
        g_variant_dict_insert(&options, "OnFailure", "s", berth_health_actions[action]);
    if (startup)
        g_variant_dict_insert_value(&options, "Startup", startup);
    return g_variant_dict_end(&options);
}

bool berth_health_check_options(const BerthCreateOptions *options, const BerthImageInfo *image,
                                GError **error) {
    bool starts = options->startup_command && options->startup_command[0];
    bool acts = options->health_action != BERTH_HEALTH_ACTION_NONE;

    if (!starts && !acts)
        return true;
    g_autoptr(GVariant) health = berth_health_make_options(options, image);
    if (health)
        return g_variant_ref_sink(health) != NULL;
    return starts ? berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                    "a startup check needs a health check")
                  : berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                    "HealthOnFailure needs a health check");
}

/* The check that runs first, until it has succeeded often enough. */
static GVariant *make_startup(const BerthCreateOptions *options) {
    g_auto(GVariantDict) startup = G_VARIANT_DICT_INIT(NULL);
    const struct {
        const char *name;
        uint64_t given, otherwise;
    } numbers[] = {
        {"IntervalUSec", options->startup_interval_usec, DEFAULT_INTERVAL_USEC},
        {"TimeoutUSec", options->startup_timeout_usec, DEFAULT_TIMEOUT_USEC},
        {"Retries", options->startup_retries, 0},
        {"Successes", options->startup_successes, 1},
    };

    if (!options->startup_command || !options->startup_command[0])
        return NULL;
    g_variant_dict_insert_value(
        &startup, "Command", g_variant_new_strv((const char *const *)options->startup_command, -1));
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        g_variant_dict_insert(
            &startup, numbers[i].name, "t",
            (guint64)(numbers[i].given > 0 ? numbers[i].given : numbers[i].otherwise));
    return g_variant_dict_end(&startup);
}

/* The numbers of the image's check; 0 for those that it does not have. */
static void read_image_numbers(const BerthImageInfo *image, uint64_t numbers[NUMBER_COUNT]) {
    for (size_t i = 0; i < START_INTERVAL; i++)
        numbers[i] = g_ascii_strtoull(image->health[i], NULL, 10);
    numbers[START_INTERVAL] = image->start_interval_nsec;
    /* Images specify times in nanoseconds. */
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        if (i != RETRIES)
            numbers[i] /= 1000;
}

GVariant *berth_health_make_options(const BerthCreateOptions *options,
                                    const BerthImageInfo *image) {
    bool of_image = image && image->health && g_strv_length(image->health) > 4;
    char **command = options->health_command && options->health_command[0] ? options->health_command
                     : of_image                                            ? image->health + 4
                                                                           : NULL;
    const uint64_t given[NUMBER_COUNT] = {
        [INTERVAL] = options->health_interval_usec,
        [TIMEOUT] = options->health_timeout_usec,
        [START_PERIOD] = options->health_start_usec,
        [RETRIES] = options->health_retries,
        [START_INTERVAL] = options->health_start_interval_usec,
    };
    uint64_t numbers[NUMBER_COUNT] = {DEFAULT_INTERVAL_USEC, DEFAULT_TIMEOUT_USEC, 0,
                                      DEFAULT_RETRIES, 0};
    uint64_t of_the_image[NUMBER_COUNT] = {0};

    if (!command || g_str_equal(command[0], "NONE"))
        return NULL;
    if (of_image)
        read_image_numbers(image, of_the_image);
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        if (given[i] > 0)
            numbers[i] = given[i];
        else if (of_the_image[i] > 0)
            numbers[i] = of_the_image[i];
    /* A check that is requested more often than Docker's default is as frequent from the start. */
    if (numbers[START_INTERVAL] == 0)
        numbers[START_INTERVAL] = MIN(numbers[INTERVAL], DEFAULT_START_INTERVAL_USEC);
    return make_variant(command, numbers, options->health_action, make_startup(options));
}
