/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A SecretsReading is the operation around one berth-ingest, which reads the caller's descriptors,
 * in their envelopes, into berthd's file in memory. It ends with the worker's reply, when the
 * caller disconnects from the bus, or after a timeout, since the caller may hold the other end of a
 * pipe.
 */

#include "containers/secrets.h"

#include "base/charge.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/operation.h"
#include "worker/calls.h"

#include <errno.h>
#include <sys/mman.h>

enum { READ_TIMEOUT_USEC = 20 * 1000 * 1000 };

typedef struct {
    BerthOperation *operation;
    BerthWorker *worker;
    sd_event_source *timeout;
    BerthCharge *charge;
    int file;
    BerthSecretsRead read;
    void *userdata;
} SecretsReading;

/* The file still belongs to berthd unless secrets_reading_report() has handed it over. */
static void secrets_reading_free(void *object) {
    SecretsReading *reading = object;

    berth_worker_free(reading->worker);
    sd_event_source_disable_unref(reading->timeout);
    berth_charge_free(reading->charge);
    berth_fd_clear(&reading->file);
    g_free(reading);
}

/* The worker is freed first, so that the file has no other writer when it is sealed. */
static void secrets_reading_report(void *object, const GError *error) {
    SecretsReading *reading = object;

    g_clear_pointer(&reading->worker, berth_worker_free);
    reading->read(error ? -1 : berth_fd_steal(&reading->file), error, reading->userdata);
}

static const BerthOperationType secrets_reading_type = {.tell = secrets_reading_report,
                                                        .free = secrets_reading_free};

static void reading_on_read(sd_bus_message *reply, const GError *error, void *userdata) {
    SecretsReading *reading = userdata;

    (void)reply;
    berth_operation_end(reading->operation, error);
}

/* A pipe whose writer stays open never ends, and the creation would keep its id reserved
 * forever. */
static int reading_on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
    SecretsReading *reading = userdata;
    g_autoptr(GError) error = NULL;

    (void)source;
    (void)usec;
    berth_error_set(&error, BERTH_ERROR_FAILED_PRECONDITION,
                    "the secrets could not be read to their end in time");
    berth_operation_end(reading->operation, error);
    return 0;
}

/* While the secrets are read, the maximum size is charged; after that, their actual size. */
static bool secrets_reading_begin(SecretsReading *reading, sd_event *event,
                                  const BerthCreateOptions *options, GError **error) {
    int r;

    reading->charge =
        berth_charge_new(options->owner, BERTH_RESOURCE_SECRETS, BERTH_MAX_SECRETS_BYTES, error);
    if (!reading->charge ||
        !berth_charge_check(options->owner, BERTH_RESOURCE_DESCRIPTORS, 0, 1, error))
        return false;
    reading->file = memfd_create("secrets", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (reading->file < 0)
        return berth_error_set_errno(error, errno, "make a file in memory");
    reading->worker = berth_worker_new_for_user(event, "ingest", -1, options->owner, error);
    if (!reading->worker)
        return false;
    /* One more, so that berth_secrets_give() can tell. */
    berth_worker_limit_files(reading->worker, BERTH_MAX_SECRETS_BYTES + 1);
    r = sd_event_add_time_relative(event, &reading->timeout, CLOCK_MONOTONIC, READ_TIMEOUT_USEC, 0,
                                   reading_on_timeout, reading);
    if (r < 0)
        return berth_error_set_errno(error, r, "read the secrets");
    berth_call_ingest_gather(reading->worker, options->secrets, reading->file, reading_on_read,
                             reading);
    return true;
}

/* Failures are reported through read too, never before this returns. */
void berth_secrets_read(sd_event *event, const BerthCreateOptions *options, BerthSecretsRead read,
                        void *userdata) {
    g_autoptr(GError) error = NULL;
    SecretsReading *reading = g_new0(SecretsReading, 1);

    reading->file = -1;
    reading->read = read;
    reading->userdata = userdata;
    reading->operation = berth_operation_new(event, &secrets_reading_type, reading);
    berth_operation_set_caller(reading->operation, NULL, options->client);
    if (!secrets_reading_begin(reading, event, options, &error))
        berth_operation_end(reading->operation, error);
}
