/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stored definitions only: nothing here starts or stops a guest. */
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "cli.h"
#include "common/kept.h"
#include "libvirt/facts.h"
#include "options.h"
#include "undo.h"

#define CHANGED "its definition changed meanwhile, it is left alone; run it again"

/* Keeps the old definition, stores the new one, and keeps what libvirt made of that. */
static int replace(struct wg_apply *run, const struct wg_virt_guest *guest, const char *old,
                   const char *new, struct wg_error *err)
{
    const char *uuid = guest->uuid;
    char *stored = NULL;

    if (!run->recording && wg_undo_begin(run->uri, err) < 0)
        return -1;
    run->recording = true;
    if (wg_undo_keep(uuid, old, err) < 0)
        return -1;
    int rc = wg_virt_replace(run->virt, uuid, old, new, &stored, err);
    if (rc == 0)
        wg_fail(err, CHANGED);
    if (rc <= 0) {
        wg_undo_forget(uuid);
        return -1;
    }
    /* Whatever it was defined as before that is no more what it comes from. */
    wg_kept_forget(uuid);
    wg_kept_allow(uuid);
    if (wg_undo_seal(uuid, stored, err) < 0)
        wg_cli_error("apply", "%s: it cannot be undone: %s", guest->name, err->text);
    wg_virt_forget(stored);
    return 0;
}

/* The definition may have been edited while the engine looked at it, or the operator at our
 * question: then it is somebody else's and stays. */
static void change(struct wg_apply *run, const struct wg_virt_guest *guest, uint64_t *shown,
                   const char *old, const struct wg_verdict *verdict)
{
    struct wg_error err;

    if (*shown != wg_undo_digest(old))
        wg_apply_complain(run, guest, CHANGED);
    else if (replace(run, guest, old, verdict->xml, &err) < 0)
        wg_apply_complain(run, guest, err.text);
    else {
        run->changed++;
        wg_apply_tell(run, guest, WG_REDEFINED, verdict, NULL);
        wg_apply_say(run, guest, guest->active ? "redefined, waits for a cold boot" : "redefined");
    }
}

static void show(struct wg_apply *run, const struct wg_virt_guest *guest, uint64_t *shown,
                 const char *old, const struct wg_verdict *verdict)
{
    struct wg_error err;

    (void)shown;
    run->changed++;
    wg_apply_tell(run, guest, WG_WOULD_CHANGE, verdict, NULL);
    if (!run->json &&
        wg_cli_show_diff(guest->name, old, strlen(old), verdict->xml, verdict->xml_len, &err) < 0)
        wg_apply_complain(run, guest, err.text);
}

typedef void act_fn(struct wg_apply *run, const struct wg_virt_guest *guest, uint64_t *shown,
                    const char *old, const struct wg_verdict *verdict);

static void count(struct wg_apply *run, const struct wg_virt_guest *guest, uint64_t *shown,
                  const char *old, const struct wg_verdict *verdict)
{
    *shown = wg_undo_digest(old);
    run->changed++;
    for (size_t i = 0; i < verdict->notes.count; i++)
        run->v2v += strcmp(verdict->notes.item[i], WG_NOTE_V2V) == 0;
    wg_print_escaped(guest->name, stdout);
    fputs(": ", stdout);
    wg_verdict_print(verdict, stdout);
    putchar('\n');
}

/* Nobody is asked. */
static void change_at_once(struct wg_apply *run, const struct wg_virt_guest *guest, uint64_t *shown,
                           const char *old, const struct wg_verdict *verdict)
{
    *shown = wg_undo_digest(old);
    change(run, guest, shown, old, verdict);
}

/* Takes xml, or why there is none. */
static void judge(struct wg_apply *run, const struct wg_virt_guest *guest, char *xml,
                  struct wg_error *err, uint64_t *shown, act_fn *act)
{
    struct wg_verdict *verdict = NULL;

    if (xml)
        verdict = wg_evaluate(run->engine, xml, strlen(xml), WG_REWRITE, err);
    if (verdict && verdict->faults.count > 0) {
        wg_cli_show_faults("apply", verdict);
        run->failed++;
    }
    if (verdict && verdict->xml && verdict->report && !run->dry)
        wg_apply_complain(run, guest,
                          "left as it is: the policy is only told of ([enforce] mode, only.*)");
    else if (verdict && verdict->xml)
        act(run, guest, shown, xml, verdict);
    else if (verdict)
        wg_apply_tell(run, guest, WG_IN_LINE, verdict, NULL);
    else if (!(run->who.all && wg_virt_guest_gone(guest)))
        wg_apply_complain(run, guest, err->text);
    if (verdict && verdict->xml)
        explicit_bzero(verdict->xml, verdict->xml_len);
    wg_verdict_free(verdict);
    wg_virt_forget(xml);
}

/* Those that the operator has chosen. Returns their number; they are the first of guests then. */
static size_t choose(struct wg_apply *run, struct wg_virt_guest **guests, size_t number)
{
    size_t chosen = 0;

    for (size_t i = 0; i < number; i++) {
        struct wg_virt_guest *guest = guests[i];
        bool wanted = wg_choice_has(&run->who, guest->name);

        if (wanted && !guest->persistent && !run->who.all)
            wg_apply_complain(run, guest, "is transient: it has no definition to change");
        if (!wanted || !guest->persistent)
            continue;
        guests[i] = guests[chosen];
        guests[chosen++] = guest;
    }
    return chosen;
}

/* Judges guests and calls act for those whose definition must change. */
static void each_violation(struct wg_apply *run, struct wg_virt_guest **guests, size_t number,
                           act_fn *act)
{
    /* A diff is for eyes, logs and tickets: no password is in it. */
    struct wg_virt_fetch *fetch = wg_virt_fetch_begin(guests, number,
                                                      run->dry ? WG_VIRT_INACTIVE
                                                               : WG_VIRT_INACTIVE_SECURE);
    struct wg_error err;

    if (!fetch) {
        run->failed++;
        wg_cli_error("apply", "out of memory");
        return;
    }
    for (size_t i = 0; i < number; i++) {
        char *xml = wg_virt_fetch_take(fetch, i, &err);

        judge(run, guests[i], xml, &err, &run->shown[i], act);
    }
    wg_virt_fetch_end(fetch);
}

/* Those that were shown, which no other is put among. */
static void change_shown(struct wg_apply *run, struct wg_virt_guest **guests, size_t number)
{
    struct wg_error err;

    for (size_t i = 0; i < number; i++) {
        if (run->shown[i] == 0)
            continue;
        char *xml = wg_virt_guest_xml(guests[i], WG_VIRT_INACTIVE_SECURE, &err);

        judge(run, guests[i], xml, &err, &run->shown[i], change);
    }
}

static int apply(struct wg_apply *run, struct wg_virt_guest **guests, size_t number)
{
    number = choose(run, guests, number);
    each_violation(run, guests, number, run->dry ? show : run->json ? change_at_once : count);
    if (run->json && !run->dry)
        return WG_EXIT_OK;
    if (run->dry)
        return run->changed ? WG_EXIT_VIOLATIONS : WG_EXIT_OK;
    if (run->changed == 0)
        return WG_EXIT_OK;
    if (run->v2v > 0)
        printf(
            "%zu of them may be guests whose clock is UTC inside (virt-v2v): localtime would put "
            "that off; hint: clock.v2v = keep\n",
            run->v2v);
    fflush(stdout);
    if (!wg_apply_agreed(run, "Redefine these guests?"))
        return WG_EXIT_ERROR;
    change_shown(run, guests, number);
    return WG_EXIT_OK;
}

/* What is known of this host's abilities says nothing of another's. */
static int open_host(struct wg_apply *run, struct wg_error *err)
{
    wg_cli_tell("apply", "host: %s", run->uri);
    run->virt = wg_virt_open(run->uri, false, err);
    run->engine = run->virt ? wg_cli_engine("apply", run->config, err) : NULL;
    if (!run->engine)
        return -1;
    wg_facts_use(run->engine, run->virt);
    return 0;
}

static int with_guests(struct wg_apply *run)
{
    struct wg_error err;
    size_t number = 0;
    int code = WG_EXIT_ERROR;
    struct wg_virt_guest **guests = open_host(run, &err) < 0
                                        ? NULL
                                        : wg_virt_guests(run->virt, &number, &err);

    run->shown = calloc(number + 1, sizeof(*run->shown));
    if (!guests)
        wg_cli_error("apply", "%s", err.text);
    else if (!run->shown)
        wg_cli_error("apply", "out of memory");
    else
        code = run->undo ? wg_apply_undo(run, guests, number) : apply(run, guests, number);
    if (guests && wg_choice_missed(&run->who))
        code = WG_EXIT_ERROR;
    free(run->shown);
    wg_virt_guests_free(guests, number);
    return run->failed ? WG_EXIT_ERROR : code;
}

static int on_host(struct wg_apply *run)
{
    int code = with_guests(run);

    wg_engine_close(run->engine);
    wg_virt_close(run->virt);
    return code;
}

static int take_arguments(struct wg_apply *run, int argc, char **argv)
{
    struct wg_choice *who = &run->who;
    bool is_offline = false;
    const struct wg_option options[] = {
        {.name = "all", .given = &who->all},
        {.name = "config", .value = &run->config},
        {.name = "connect", .letter = 'c', .value = &run->uri},
        {.name = "dry-run", .given = &run->dry},
        {.name = "format", .letter = 'f', .json = &run->json},
        {.name = "offline", .given = &is_offline},
        {.name = "undo", .given = &run->undo},
        {.name = "yes", .given = &run->yes},
        {0},
    };
    int code = wg_cli_options(argc, argv, options);

    if (code >= 0)
        return code;
    who->glob = argv + optind;
    who->globs = argc - optind;
    if (run->undo && (who->all || who->globs || run->dry || is_offline))
        return wg_cli_error("apply", "--undo goes with --connect and --yes alone");
    if (is_offline && run->uri)
        return wg_cli_error("apply", "--offline is of this host's files: it does not go with "
                                     "--connect");
    if (who->all && who->globs)
        return wg_cli_error("apply", "expects --all, or names of guests");
    if (!is_offline && !run->undo && !who->all && !who->globs)
        return wg_cli_error("apply", "expects --all, or names of guests, or --undo");
    if (run->json && !is_offline && !run->dry && !run->yes)
        return wg_cli_error("apply", "--format json asks nothing: it goes with --yes or --dry-run");
    if (run->json && !(run->told = json_object_new_array()))
        return wg_cli_error("apply", "out of memory");
    return is_offline ? wg_cli_apply_offline(who, run->config, run->dry, run->told) : -1;
}

/* An undo goes to the host that the apply was done on, unless told otherwise. */
static int choose_host(struct wg_apply *run, char **recorded)
{
    struct wg_error err;

    *recorded = NULL;
    if (run->undo) {
        *recorded = wg_undo_uri(&err);
        if (!*recorded)
            return wg_cli_error("apply", "%s", err.text);
        if (run->uri && strcmp(run->uri, *recorded) != 0)
            return wg_cli_error("apply", "the last apply was done on %s", *recorded);
        run->uri = *recorded;
    }
    run->uri = wg_cli_host(run->uri);
    return -1;
}

int wg_cli_apply(int argc, char **argv)
{
    struct wg_apply run = {0};
    char *recorded = NULL;

    int code = take_arguments(&run, argc, argv);

    if (code >= 0)
        return code;
    if (wg_choice_open(&run.who) < 0)
        return WG_EXIT_ERROR;
    wg_undo_sweep();
    code = choose_host(&run, &recorded);
    if (code < 0)
        code = on_host(&run);
    wg_applied_end(run.told, run.dry);
    wg_undo_sweep();
    free(recorded);
    wg_choice_close(&run.who);
    return wg_cli_flush("apply", code);
}
