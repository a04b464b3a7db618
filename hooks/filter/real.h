/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WG_FILTER_REAL_H
#define WG_FILTER_REAL_H

#include "libvirt_abi.h"

#include <stdbool.h>

/* Those that the filter stands in front of. */
#define WG_LIBVIRT_IN_FRONT_OF(X) \
    X(virConnectOpen) \
    X(virConnectOpenReadOnly) \
    X(virConnectOpenAuth) \
    X(virConnectClose) \
    X(virDomainDefineXML) \
    X(virDomainDefineXMLFlags) \
    X(virDomainCreateXML) \
    X(virDomainCreateXMLWithFiles) \
    X(virDomainCreate) \
    X(virDomainCreateWithFlags) \
    X(virDomainCreateWithFiles) \
    X(virDomainDestroy) \
    X(virDomainDestroyFlags) \
    X(virDomainUndefine) \
    X(virDomainUndefineFlags)

/* Those that it calls besides. */
#define WG_LIBVIRT_CALLED(X) \
    X(virConnectGetURI) \
    X(virDomainGetConnect) \
    X(virDomainGetName) \
    X(virDomainGetUUIDString) \
    X(virDomainGetXMLDesc) \
    X(virDomainIsActive) \
    X(virDomainIsPersistent) \
    X(virDomainGetState) \
    X(virDomainHasManagedSaveImage) \
    X(virDomainFree) \
    X(virSaveLastError) \
    X(virFreeError) \
    X(virResetLastError) \
    X(virGetLastErrorCode) \
    X(virGetLastErrorMessage)

/* Libvirt's own functions, a pointer each, under their own names. */
struct wg_libvirt {
#define WG_POINTER(name) __typeof__(name) *name;
    WG_LIBVIRT_IN_FRONT_OF(WG_POINTER)
    WG_LIBVIRT_CALLED(WG_POINTER)
    WG_POINTER(virSetError)
#undef WG_POINTER
};

/* Libvirt's own functions, looked up at the first call; those that it lacks are NULL. */
const struct wg_libvirt *wg_libvirt(void);

/* Calls libvirt's own function; where it has none, that stands for what it would return. */
#define WG_CALL(otherwise, name, ...) \
    (wg_libvirt()->name == NULL ? (otherwise) : wg_libvirt()->name(__VA_ARGS__))

/*
 * Whether the filter works at all: this is libvirtd or virtqemud, and its libvirt has all that the
 * filter calls (but virSetError). Where not, every call is passed through and nothing else is done.
 */
bool wg_filter_works(void);

/*
 * Takes our entry out of @preload, the value of LD_PRELOAD, whose entries are separated by colons
 * and blanks. Returns true if an entry is left. Written for the constructor; here for its test.
 */
bool wg_preload_without_us(char *preload);

#endif
