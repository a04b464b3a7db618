/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stands for ICU, under its soname, in processes that decide about a domain and end. Debian's
 * libxml2 links ICU, and through it libstdc++, for encodings that iconv does not know; the engine
 * takes none of those (domain.c). Yet loading and relocating the three is half of the time of a
 * decision: with this in their place the same libxml2 is there in half of it.
 * Says of every encoding that it is not supported, which libxml2 then says of the document.
 */
#include <stdlib.h>

/* ICU's functions bear its version: ucnv_open_72. */
#define PASTE(name, version) name##_##version
#define VERSIONED(name, version) PASTE(name, version)
#define ICU(name) VERSIONED(name, WG_ICU_VERSION)

/* enum UErrorCode of unicode/utypes.h */
#define U_UNSUPPORTED_ERROR 16

void *ICU(ucnv_open)(const char *encoding, int *error);
void *ICU(ucnv_open)(const char *encoding, int *error)
{
    (void)encoding;
    *error = U_UNSUPPORTED_ERROR;
    return NULL;
}

/* Without a converter nobody calls the others; all that a libxml2 binds must be there, though. */
#define NEVER(name)                                                                               \
    void ICU(name)(void);                                                                         \
    void ICU(name)(void)                                                                          \
    {                                                                                             \
        abort();                                                                                  \
    }

NEVER(ucnv_close)
NEVER(ucnv_convertEx)
NEVER(ucnv_setFromUCallBack)
NEVER(ucnv_setToUCallBack)
NEVER(UCNV_FROM_U_CALLBACK_STOP)
NEVER(UCNV_TO_U_CALLBACK_STOP)
