/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Measures messages, argument by argument; there is no state but the measurement. Text and elements
 * are counted, padding is not. Measuring stops at the first value that is too large, so that a
 * large message takes no more time than one of the permitted size. Options are identified by their
 * keys, which mean the same in every member; arguments without a key are identified by their type.
 */

#include "bus/limits.h"

#include "base/limits.h"

#include <string.h>

typedef struct {
    const char *key;
    size_t text_bytes; /* of one string */
    size_t items;      /* in each array or dictionary of it */
    size_t bytes;      /* all of it together */
    size_t objects;    /* and arrays, if it is a JSON document; 0 if it is not */
} Limit;

#define ARGUMENTS BERTH_MAX_ARGUMENT_BYTES, BERTH_MAX_ARGUMENTS, BERTH_MAX_ARGUMENTS_BYTES

static const Limit limits[] = {
    {"Command", ARGUMENTS},
    {"Env", ARGUMENTS},
    {"HealthCommand", BERTH_MAX_ARGUMENT_BYTES, BERTH_MAX_HEALTH_ARGUMENTS, BERTH_MAX_LIST_BYTES},
    {"Labels", BERTH_MAX_LABEL_BYTES, BERTH_MAX_LABELS, BERTH_MAX_LABELS_BYTES},
    {"Credentials", BERTH_MAX_CREDENTIAL_BYTES, 16, 2 * BERTH_MAX_CREDENTIAL_BYTES},
    {"Spec", BERTH_MAX_SPEC_BYTES, 0, BERTH_MAX_SPEC_BYTES, BERTH_MAX_SPEC_OBJECTS},
    {"Seccomp", BERTH_MAX_PROFILE_BYTES, 0, BERTH_MAX_PROFILE_BYTES, BERTH_MAX_SPEC_OBJECTS},
    {"Mounts", BERTH_MAX_TEXT_BYTES, BERTH_MAX_MOUNTS, BERTH_MAX_LIST_BYTES},
    {"Binds", BERTH_MAX_TEXT_BYTES, BERTH_MAX_MOUNTS, BERTH_MAX_LIST_BYTES},
};

static const Limit other = {NULL, BERTH_MAX_TEXT_BYTES, BERTH_MAX_LIST_ITEMS, BERTH_MAX_LIST_BYTES};

/* A measurement: the limit that applies, and the sums so far. */
typedef struct {
    const Limit *limit; /* NULL: measured without a limit */
    size_t bytes, most; /* most: the maximum of the limit that was exceeded */
    const char *unit;   /* unit of the limit that was exceeded; NULL: none was */
} Measure;

static int measure_exceed(Measure *measure, size_t most, const char *unit) {
    measure->most = most;
    measure->unit = unit;
    return -E2BIG;
}

/* Checked after every addition, so that measuring stops as soon as the limit is exceeded. */
static int add_bytes(Measure *measure, size_t bytes) {
    measure->bytes += bytes;
    return measure->limit && measure->bytes > measure->limit->bytes
               ? measure_exceed(measure, measure->limit->bytes, "bytes in all")
               : 0;
}

/* Those in strings count, too. */
static size_t count_objects(const char *document) {
    size_t count = 0;

    for (; *(document += strcspn(document, "{[")); document++)
        count++;
    return count;
}

/* Adds 8 bytes to the text for its stored length, so that empty strings are not free either. */
static int measure_text(sd_bus_message *message, char type, Measure *measure) {
    const char *text;
    int r = sd_bus_message_read_basic(message, type, &text);

    if (r < 0)
        return r;
    size_t length = strlen(text);
    if (measure->limit && length > measure->limit->text_bytes)
        return measure_exceed(measure, measure->limit->text_bytes, "bytes in a string");
    if (measure->limit && measure->limit->objects > 0 &&
        count_objects(text) > measure->limit->objects)
        return measure_exceed(measure, measure->limit->objects, "objects and arrays");
    return add_bytes(measure, length + 8);
}

static int measure_one(sd_bus_message *message, Measure *measure);

/* An array of fixed-size numbers is one block of memory: its size is sufficient, and a large array
 * does not have to be read element by element. */
static int measure_numbers(sd_bus_message *message, char type, Measure *measure) {
    const void *numbers;
    size_t bytes;
    int r = sd_bus_message_read_array(message, type, &numbers, &bytes);

    return r < 0 ? r : add_bytes(measure, bytes + 8);
}

static int measure_container(sd_bus_message *message, char type, const char *contents,
                             Measure *measure) {
    size_t items = 0;
    int r;

    if (type == SD_BUS_TYPE_ARRAY && contents[1] == '\0' && strchr("ynqiuxtd", contents[0]))
        return measure_numbers(message, contents[0], measure);
    if ((r = sd_bus_message_enter_container(message, type, contents)) < 0 ||
        (r = add_bytes(measure, 8 + (type == SD_BUS_TYPE_VARIANT ? strlen(contents) + 8 : 0))) < 0)
        return r;
    while ((r = measure_one(message, measure)) > 0)
        if (type == SD_BUS_TYPE_ARRAY && measure->limit && ++items > measure->limit->items)
            return measure_exceed(measure, measure->limit->items, "items");
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

/* Measures one complete value. Returns 0 at the end of the current container of the message, or of
 * the message itself. */
static int measure_one(sd_bus_message *message, Measure *measure) {
    const char *contents;
    uint64_t number;
    char type;
    int r = sd_bus_message_peek_type(message, &type, &contents);

    if (r <= 0)
        return r;
    switch (type) {
    case SD_BUS_TYPE_STRING:
    case SD_BUS_TYPE_OBJECT_PATH:
    case SD_BUS_TYPE_SIGNATURE:
        r = measure_text(message, type, measure);
        break;
    case SD_BUS_TYPE_ARRAY:
    case SD_BUS_TYPE_VARIANT:
    case SD_BUS_TYPE_STRUCT:
    case SD_BUS_TYPE_DICT_ENTRY:
        r = measure_container(message, type, contents, measure);
        break;
    default:
        if ((r = sd_bus_message_read_basic(message, type, &number)) >= 0)
            r = add_bytes(measure, 8);
    }
    return r < 0 ? r : 1;
}

/* Returns the limit of an option, or the one for all other options. */
static const Limit *find_limit(const char *key) {
    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++)
        if (g_str_equal(limits[i].key, key))
            return &limits[i];
    return &other;
}

/* Without a unit no limit was exceeded; the message itself cannot be read. */
static int limits_refuse(sd_bus_message *call, const char *what, const char *name,
                         const Measure *measure, sd_bus_error *error) {
    if (!measure->unit)
        return -EBADMSG;
    return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "LimitExceeded",
                             "%s: the %s %.100s is too large; the limit is %zu %s",
                             sd_bus_message_get_member(call), what, name, measure->most,
                             measure->unit);
}

/* Checks an a{sv}, each value with the limit of its key. */
static int limits_check_options(sd_bus_message *call, Measure *all, sd_bus_error *error) {
    unsigned count = 0;
    const char *key;
    int r = sd_bus_message_enter_container(call, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(call, 'e', "sv")) > 0) {
        if ((r = sd_bus_message_read(call, "s", &key)) < 0)
            return r;
        if (++count > BERTH_MAX_LIST_ITEMS || strlen(key) > BERTH_MAX_TEXT_BYTES)
            return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "LimitExceeded",
                                     "%s: too many options, or a key too long",
                                     sd_bus_message_get_member(call));
        Measure measure = {.limit = find_limit(key)};
        if (measure_one(call, &measure) < 0)
            return limits_refuse(call, "option", key, &measure, error);
        all->bytes += measure.bytes;
        r = sd_bus_message_exit_container(call);
    }
    return r < 0 ? r : sd_bus_message_exit_container(call);
}

/* Arguments without a key: a dictionary of strings holds labels, and a list of strings is a command
 * if the member is Exec. */
static const Limit *find_argument_limit(sd_bus_message *call, char type, const char *contents) {
    if (type != SD_BUS_TYPE_ARRAY)
        return &other;
    if (g_str_equal(contents, "{ss}"))
        return find_limit("Labels");
    bool is_command =
        g_str_equal(contents, "s") && g_strcmp0(sd_bus_message_get_member(call), "Exec") == 0;
    return is_command ? find_limit("Command") : &other;
}

/* Each argument has its own limit, and all of them together have the limit of a call. */
static int check_arguments(sd_bus_message *call, sd_bus_error *error) {
    Measure all = {0};
    const char *contents;
    char type;
    int r;

    for (unsigned number = 1; (r = sd_bus_message_peek_type(call, &type, &contents)) > 0;
         number++) {
        if (type == SD_BUS_TYPE_ARRAY && g_str_equal(contents, "{sv}")) {
            r = limits_check_options(call, &all, error);
        } else {
            Measure measure = {.limit = find_argument_limit(call, type, contents)};
            char name[16];
            g_snprintf(name, sizeof name, "%u", number);
            r = measure_one(call, &measure);
            if (r < 0)
                r = limits_refuse(call, "argument", name, &measure, error);
            all.bytes += measure.bytes;
        }
        if (r < 0)
            return r;
        if (all.bytes > BERTH_MAX_CALL_BYTES)
            return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "LimitExceeded",
                                     "%s: the call is too large; the limit is %u bytes in all",
                                     sd_bus_message_get_member(call), BERTH_MAX_CALL_BYTES);
    }
    return r;
}

/* Reads the whole call and rewinds it for its handler. */
int berth_limits_check(sd_bus_message *call, sd_bus_error *error) {
    int r = check_arguments(call, error);

    return r < 0 ? r : sd_bus_message_rewind(call, 1);
}

int berth_limits_measure(sd_bus_message *message, size_t *bytes) {
    Measure measure = {0};
    int r;

    while ((r = measure_one(message, &measure)) > 0)
        ;
    *bytes = measure.bytes;
    return r;
}
