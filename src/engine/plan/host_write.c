/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "host.h"

/* What an INI value in quotes, read by iniparser, gives back as it was, and no glob either. */
#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+-=:,@%~ "

/* Behind the quotes and the longest key, within the line that ini.c takes. */
#define VALUE_MAX 900

static bool writable(const char *value)
{
    return strcmp(value, "*") == 0 ||
           (strlen(value) <= VALUE_MAX && value[strspn(value, PLAIN)] == '\0');
}

static int write_text(const char *key, const char *value, FILE *out)
{
    if (!value)
        return 0;
    if (!writable(value))
        return -1;
    fprintf(out, "%s = \"%s\"\n", key, value);
    return 0;
}

/* With a number behind the key, in as many lines as it takes, where number is not 0. */
static int write_words(const char *key, unsigned number, const struct wg_list *list, FILE *out)
{
    size_t room = 0;

    for (size_t i = 0; i < list->count; i++) {
        size_t len = strlen(list->item[i]) + 1;

        if (!writable(list->item[i]))
            return -1;
        if (number > 0 && len > room) {
            fprintf(out, "%s%s%u =", i > 0 ? "\n" : "", key, number++);
            room = VALUE_MAX;
        } else if (number == 0 && i == 0) {
            fprintf(out, "%s =", key);
        }
        fprintf(out, " %s", list->item[i]);
        room -= number > 0 ? len : 0;
    }
    if (list->count > 0)
        fputc('\n', out);
    return 0;
}

static int write_facts(const struct wg_facts *facts, size_t number, FILE *out)
{
    fprintf(out, "\n[facts:%zu]\n", number);
    if (write_text("virttype", facts->virttype, out) < 0 ||
        write_text("emulator", facts->emulator, out) < 0 ||
        write_text("arch", facts->arch, out) < 0 || write_text("machine", facts->machine, out) < 0)
        return -1;
    if (facts->known && facts->hyperv.count == 0)
        fputs("hyperv =\n", out);
    if (facts->known && write_words("hyperv", 0, &facts->hyperv, out) < 0)
        return -1;
    return write_words("machines", 1, &facts->machines, out);
}

static int write_member(const struct wg_member *member, size_t number, FILE *out)
{
    fprintf(out, "\n[member:%zu]\n", number);
    /* no glob: it is compared with nothing */
    if (member->name[strspn(member->name, PLAIN "?&[]*")] || strlen(member->name) > VALUE_MAX)
        return -1;
    fprintf(out, "name = \"%s\"\n", member->name);
    if (write_text("vendor", member->vendor, out) < 0)
        return -1;
    return write_words("beyond", 0, &member->beyond, out);
}

static int write_host(const struct wg_host *host, FILE *out)
{
    bool kernel = host->kernel && writable(host->kernel);

    fputs(host->members > 0
              ? "; Written by `winguest probe`: what all of these hosts can give their guests.\n"
              : "; Written by `winguest probe`: what this host can give its guests.\n",
          out);
    if (kernel || host->vendor || host->id)
        fputs("\n[host]\n", out);
    if ((kernel && write_text("kernel", host->kernel, out) < 0) ||
        write_text("id", host->id, out) < 0)
        return -1;
    return write_text("vendor", host->vendor, out);
}

int wg_host_write(const struct wg_host *host, FILE *out)
{
    if (write_host(host, out) < 0)
        return -1;
    for (size_t i = 0; i < host->members; i++) {
        if (write_member(&host->member[i], i + 1, out) < 0)
            return -1;
    }
    for (size_t i = 0; i < host->stamps; i++) {
        const struct wg_stamp *stamp = &host->stamp[i];

        fprintf(out, "\n[file:%zu]\n", i + 1);
        if (write_text("path", stamp->path, out) < 0)
            return -1;
        fprintf(out, "size = %lld\nmtime = %lld\n", stamp->size, stamp->mtime);
    }
    for (size_t i = 0; i < host->count; i++) {
        if (write_facts(&host->facts[i], i + 1, out) < 0)
            return -1;
    }
    return ferror(out) ? -1 : 0;
}

int wg_host_identify(struct wg_host *host, struct wg_error *err)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    char id[17];

    free(host->id);
    host->id = NULL;
    int rc = out ? wg_host_write(host, out) : 0;
    if (!out || fclose(out) != 0 || (rc < 0 && !text)) {
        free(text);
        return wg_no_memory(err);
    }
    snprintf(id, sizeof(id), "%016" PRIx64, wg_hash(WG_HASH_EMPTY, text, len));
    free(text);
    if (rc < 0)
        return wg_fail(
            err,
            "an emulator's path, or a host's name, has a quote or another character that an INI file cannot hold");
    host->id = strdup(id);
    return host->id ? 0 : wg_no_memory(err);
}
