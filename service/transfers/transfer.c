/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A transfer is BERTH_TRANSFER_RUNNING from its addition until its operation has ended; then it is
 * done, failed or cancelled until it expires. The list (BerthTransfers, one in berthd) owns all
 * transfers and drives two timers: one for the progress of running transfers, ten times a second,
 * and one for expiry.
 */

#include "transfers/transfer.h"

#include "base/names.h"
#include "base/size.h"

#include <sys/stat.h>
#include <unistd.h>

/* sd-event coalesces timers within their accuracy, which is 250 ms by default. */
#define TIMER_ACCURACY_USEC 1000

enum { MAX_FINISHED_PER_OWNER = 512, NUMBERS_OF_AN_OWNER = 1000000 };

#define PROGRESS_INTERVAL_USEC (100 * 1000ull)
#define FINISHED_STAY_USEC (60 * G_USEC_PER_SEC)

struct BerthTransfers {
    sd_event *event;
    GPtrArray *all;      /* of BerthTransfer, sorted by number */
    GHashTable *numbers; /* uid → number of the latest transfer of this owner */
    sd_event_source *progress, *expiry;
    BerthTransferObserver observer;
    void *userdata;
};

static void item_free(gpointer data) {
    BerthTransferItem *item = data;

    g_free(item->object);
    g_free(item);
}

static void result_clear(BerthTransferResult *result) {
    g_free(result->name);
    berth_descriptor_free(result->target);
    g_free(result->chain_id);
    g_strfreev(result->damaged);
    g_strfreev(result->names);
    g_strfreev(result->warnings);
}

static void transfer_free(gpointer data) {
    BerthTransfer *transfer = data;

    berth_charge_free(transfer->charge);
    g_free(transfer->kind);
    g_free(transfer->reference);
    result_clear(&transfer->result);
    g_ptr_array_unref(transfer->items);
    g_clear_error(&transfer->error);
    g_free(transfer);
}

/* The observer is the bus. A removed transfer is freed right after it was reported. */
static void transfer_report(BerthTransfer *transfer, BerthTransferChange change) {
    BerthTransfers *transfers = transfer->transfers;

    if (transfers->observer)
        transfers->observer(transfer, change, transfers->userdata);
}

/* Items without a poll function are updated by the work itself. */
static void transfer_poll(BerthTransfer *transfer) {
    for (guint i = 0; i < transfer->items->len; i++) {
        BerthTransferItem *item = transfer->items->pdata[i];
        if (item->poll)
            item->done = item->poll(item->poll_userdata);
    }
}

static bool transfers_are_running(const BerthTransfers *transfers) {
    for (guint i = 0; i < transfers->all->len; i++)
        if (((BerthTransfer *)transfers->all->pdata[i])->state == BERTH_TRANSFER_RUNNING)
            return true;
    return false;
}

/* Runs while any transfer does, and disables itself after the last one. berth_transfers_add enables
 * it. */
static int transfers_on_progress(sd_event_source *source, uint64_t usec, void *userdata) {
    BerthTransfers *transfers = userdata;

    (void)usec;
    for (guint i = 0; i < transfers->all->len; i++) {
        BerthTransfer *transfer = transfers->all->pdata[i];
        if (transfer->state != BERTH_TRANSFER_RUNNING)
            continue;
        transfer_poll(transfer);
        transfer_report(transfer, BERTH_TRANSFER_PROGRESSED);
    }
    if (!transfers_are_running(transfers))
        return sd_event_source_set_enabled(source, SD_EVENT_OFF);
    sd_event_source_set_time_relative(source, PROGRESS_INTERVAL_USEC);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* Removes expired transfers, and schedules itself for the next expiry. */
static int transfers_on_expiry(sd_event_source *source, uint64_t usec, void *userdata) {
    BerthTransfers *transfers = userdata;
    int64_t now = g_get_monotonic_time(), next = 0;

    (void)usec;
    for (guint i = 0; i < transfers->all->len;) {
        BerthTransfer *transfer = transfers->all->pdata[i];
        if (transfer->expires_usec > 0 && transfer->expires_usec <= now) {
            transfer_report(transfer, BERTH_TRANSFER_REMOVED);
            g_ptr_array_remove_index(transfers->all, i);
            continue;
        }
        if (transfer->expires_usec > 0 && (next == 0 || transfer->expires_usec < next))
            next = transfer->expires_usec;
        i++;
    }
    if (next == 0)
        return sd_event_source_set_enabled(source, SD_EVENT_OFF);
    sd_event_source_set_time(source, (uint64_t)next);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

BerthTransfers *berth_transfers_new(sd_event *event) {
    BerthTransfers *transfers = g_new0(BerthTransfers, 1);

    transfers->event = sd_event_ref(event);
    transfers->all = g_ptr_array_new_with_free_func(transfer_free);
    transfers->numbers = g_hash_table_new(g_direct_hash, g_direct_equal);
    if (sd_event_add_time(event, &transfers->progress, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_USEC,
                          transfers_on_progress, transfers) < 0 ||
        sd_event_add_time(event, &transfers->expiry, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_USEC,
                          transfers_on_expiry, transfers) < 0)
        g_error("out of memory");
    sd_event_source_set_enabled(transfers->progress, SD_EVENT_OFF);
    sd_event_source_set_enabled(transfers->expiry, SD_EVENT_OFF);
    return transfers;
}

void berth_transfers_free(BerthTransfers *transfers) {
    if (!transfers)
        return;
    /* The observer may no longer exist; nothing is reported from here on. */
    transfers->observer = NULL;
    g_hash_table_unref(transfers->numbers);
    sd_event_source_disable_unref(transfers->progress);
    sd_event_source_disable_unref(transfers->expiry);
    g_ptr_array_unref(transfers->all);
    sd_event_unref(transfers->event);
    g_free(transfers);
}

void berth_transfers_observe(BerthTransfers *transfers, BerthTransferObserver observer,
                             void *userdata) {
    transfers->observer = observer;
    transfers->userdata = userdata;
}

/* Makes room for one more: transfers that have ended remain listed for a while, but only a limited
 * number per owner, who could otherwise fill the list. The first to end is removed, never one that
 * is just ending, whose follower may add the next one. */
static void transfers_make_room(BerthTransfers *transfers, uint32_t owner) {
    BerthTransfer *oldest = NULL;
    unsigned count = 0;

    for (guint i = 0; i < transfers->all->len; i++) {
        BerthTransfer *transfer = transfers->all->pdata[i];
        if (transfer->owner != owner || transfer->state == BERTH_TRANSFER_RUNNING)
            continue;
        if (!oldest || transfer->expires_usec < oldest->expires_usec)
            oldest = transfer;
        count++;
    }
    if (count < MAX_FINISHED_PER_OWNER)
        return;
    transfer_report(oldest, BERTH_TRANSFER_REMOVED);
    g_ptr_array_remove(transfers->all, oldest);
}

/* Numbers are counted per owner, so that nobody sees how many others start: the uid followed by six
 * digits, so that root's are 1, 2, 3. After 999999 they start again and skip those that are still
 * listed. */
static uint64_t take_number(BerthTransfers *transfers, uint32_t owner) {
    uint64_t number =
        GPOINTER_TO_UINT(g_hash_table_lookup(transfers->numbers, GUINT_TO_POINTER(owner)));

    do
        number = number % (NUMBERS_OF_AN_OWNER - 1) + 1;
    while (berth_transfers_find(transfers, (uint64_t)owner * NUMBERS_OF_AN_OWNER + number));
    g_hash_table_replace(transfers->numbers, GUINT_TO_POINTER(owner), GUINT_TO_POINTER(number));
    return (uint64_t)owner * NUMBERS_OF_AN_OWNER + number;
}

BerthTransfer *berth_transfers_add(BerthTransfers *transfers, const char *kind,
                                   const char *reference, uint32_t owner, GError **error) {
    g_autoptr(BerthCharge) charge = NULL;

    /* The reference is shown in the list whether it turns out to be valid or not. */
    if (!berth_name_check_printable(reference, "reference", error) ||
        !(charge = berth_charge_new(owner, BERTH_RESOURCE_TRANSFERS, 1, error)))
        return NULL;
    transfers_make_room(transfers, owner);
    BerthTransfer *transfer = g_new0(BerthTransfer, 1);
    transfer->charge = g_steal_pointer(&charge);
    transfer->transfers = transfers;
    transfer->number = take_number(transfers, owner);
    transfer->kind = g_strdup(kind);
    transfer->reference = g_strdup(reference);
    transfer->owner = owner;
    transfer->started_usec = (uint64_t)g_get_real_time();
    transfer->items = g_ptr_array_new_with_free_func(item_free);
    /* Keeps the list sorted by number. A number that has wrapped around is not the largest. */
    guint place = transfers->all->len;
    while (place > 0 &&
           ((BerthTransfer *)transfers->all->pdata[place - 1])->number > transfer->number)
        place--;
    g_ptr_array_insert(transfers->all, (gint)place, transfer);
    sd_event_source_set_time_relative(transfers->progress, PROGRESS_INTERVAL_USEC);
    sd_event_source_set_enabled(transfers->progress, SD_EVENT_ONESHOT);
    return transfer;
}

BerthTransfer *berth_transfers_find(BerthTransfers *transfers, uint64_t number) {
    for (guint i = 0; i < transfers->all->len; i++) {
        BerthTransfer *transfer = transfers->all->pdata[i];
        if (transfer->number == number)
            return transfer;
    }
    return NULL;
}

GPtrArray *berth_transfers_list(BerthTransfers *transfers) {
    return transfers->all;
}

/* Items are never removed before the transfer: whatever has held a pointer to one may still write
 * to it. */
BerthTransferItem *berth_transfer_add_item(BerthTransfer *transfer, const char *object,
                                           const char *phase, uint64_t total) {
    BerthTransferItem *item = g_new0(BerthTransferItem, 1);

    item->object = g_strdup(object);
    item->phase = phase;
    item->total = total;
    g_ptr_array_add(transfer->items, item);
    return item;
}

/* Returns 0 if the file cannot be examined; the next poll is 100 ms later. */
static uint64_t poll_size(void *userdata) {
    const int *fd = userdata;
    struct stat status;

    return fstat(*fd, &status) == 0 ? (uint64_t)status.st_size : 0;
}

/* The worker's descriptor has the same open file description, so that both share the offset
 * (open(2)). */
static uint64_t poll_position(void *userdata) {
    const int *fd = userdata;
    off_t position = lseek(*fd, 0, SEEK_CUR);

    return position < 0 ? 0 : (uint64_t)position;
}

void berth_transfer_item_watch_size(BerthTransferItem *item, const int *fd) {
    item->poll = poll_size;
    item->poll_userdata = (void *)fd;
}

void berth_transfer_item_watch_position(BerthTransferItem *item, const int *fd) {
    item->poll = poll_position;
    item->poll_userdata = (void *)fd;
}

/* The charge ends with the work, not after the minute for which the transfer remains listed. */
static void transfer_finish(BerthTransfer *transfer, const GError *error) {
    BerthTransfers *transfers = transfer->transfers;

    for (guint i = 0; i < transfer->items->len; i++)
        /* The descriptors that are polled were closed together with the object. */
        ((BerthTransferItem *)transfer->items->pdata[i])->poll = NULL;
    g_clear_pointer(&transfer->charge, berth_charge_free);
    transfer->error = error ? g_error_copy(error) : NULL;
    transfer->state = !error                                 ? BERTH_TRANSFER_DONE
                      : error->code == BERTH_ERROR_CANCELLED ? BERTH_TRANSFER_CANCELLED
                                                             : BERTH_TRANSFER_FAILED;
    transfer->expires_usec = g_get_monotonic_time() + FINISHED_STAY_USEC;
    if (transfer->followed)
        transfer->followed(transfer, transfer->followed_userdata);
    transfer_report(transfer, BERTH_TRANSFER_FINISHED);
    /* A timer that is already set is for an earlier expiry, and then reschedules itself for this
     * one. */
    if (sd_event_source_get_enabled(transfers->expiry, NULL) == 0) {
        sd_event_source_set_time(transfers->expiry, (uint64_t)transfer->expires_usec);
        sd_event_source_set_enabled(transfers->expiry, SD_EVENT_ONESHOT);
    }
}

/* By the time clients learn of a failure, the object and its workers are gone. After a success, the
 * workers have nothing left to do, and the end of their processes, for which the kernel uses the
 * processors for some milliseconds, must not delay the reply. */
static void transfer_on_end(void *userdata, const GError *error) {
    BerthTransfer *transfer = userdata;
    const BerthTransferWork *work = transfer->work;
    void *object = g_steal_pointer(&transfer->object);
    bool has_result = !error || (work->is_partial && error->code == BERTH_ERROR_CANCELLED);

    transfer->operation = NULL;
    if (has_result && work->report)
        work->report(object, &transfer->result);
    if (error)
        work->free(object);
    transfer_finish(transfer, error);
    if (!error)
        work->free(object);
}

BerthOperation *berth_transfer_begin(BerthTransfer *transfer, const BerthTransferWork *work,
                                     void *object) {
    static const BerthOperationType type = {.tell = transfer_on_end};

    transfer->work = work;
    transfer->object = object;
    transfer->operation = berth_operation_new(transfer->transfers->event, &type, transfer);
    transfer_report(transfer, BERTH_TRANSFER_ADDED);
    return transfer->operation;
}

void berth_transfer_follow(BerthTransfer *transfer,
                           void (*followed)(BerthTransfer *transfer, void *userdata),
                           void *userdata) {
    transfer->followed = followed;
    transfer->followed_userdata = userdata;
}

/* A transfer that has already ended is left as it is. Otherwise the operation ends with this error,
 * which makes the state "cancelled". */
void berth_transfer_cancel(BerthTransfer *transfer) {
    g_autoptr(GError) error = NULL;

    if (!transfer->operation)
        return;
    if (transfer->work->is_partial)
        berth_error_set(&error, BERTH_ERROR_CANCELLED, "cancelled; it was partly done");
    else if (transfer->reference[0])
        berth_error_set(&error, BERTH_ERROR_CANCELLED, "%s: cancelled", transfer->reference);
    else
        berth_error_set(&error, BERTH_ERROR_CANCELLED, "the transfer was cancelled");
    berth_operation_cancel(transfer->operation, error);
}

const char *berth_transfer_get_state(const BerthTransfer *transfer) {
    static const char *const names[] = {
        [BERTH_TRANSFER_RUNNING] = "running",
        [BERTH_TRANSFER_DONE] = "done",
        [BERTH_TRANSFER_FAILED] = "failed",
        [BERTH_TRANSFER_CANCELLED] = "cancelled",
    };

    return names[transfer->state];
}

void berth_transfer_sum(const BerthTransfer *transfer, uint64_t *done, uint64_t *total) {
    *done = *total = 0;
    for (guint i = 0; i < transfer->items->len; i++) {
        const BerthTransferItem *item = transfer->items->pdata[i];
        /* A remote may send more than it has announced; the sum never exceeds the total. */
        berth_size_add(done, MIN(item->done, item->total));
        berth_size_add(total, item->total);
    }
}
