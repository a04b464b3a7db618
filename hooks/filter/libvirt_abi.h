/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WG_LIBVIRT_ABI_H
#define WG_LIBVIRT_ABI_H

/*
 * The part of libvirt's public ABI that the daemon filter stands on, written down here so that the
 * filter builds without libvirt's headers: it is loaded into whatever libvirt the host has. The
 * prototypes and numbers are those of libvirt-host.h, libvirt-domain.h and virterror.h, which
 * libvirt never changes; tests/filter/abi.c holds them against the real headers.
 */

struct _virConnect;
struct _virDomain;
struct _virError;
struct _virConnectAuth;

enum {
    WG_CONNECT_RO = 1 << 0,
    WG_DOMAIN_XML_SECURE = 1 << 0,
    WG_DOMAIN_XML_INACTIVE = 1 << 1,
    WG_DOMAIN_START_FORCE_BOOT = 1 << 3,
    WG_DOMAIN_SHUTOFF = 5,
    WG_DOMAIN_SHUTOFF_CRASHED = 3,
    WG_ERR_NO_DOMAIN = 42,
    WG_ERR_OPERATION_INVALID = 55,
};

struct _virConnect *virConnectOpen(const char *name);
struct _virConnect *virConnectOpenReadOnly(const char *name);
struct _virConnect *virConnectOpenAuth(const char *name, struct _virConnectAuth *auth,
                                       unsigned int flags);
int virConnectClose(struct _virConnect *conn);
char *virConnectGetURI(struct _virConnect *conn);

struct _virDomain *virDomainDefineXML(struct _virConnect *conn, const char *xml);
struct _virDomain *virDomainDefineXMLFlags(struct _virConnect *conn, const char *xml,
                                           unsigned int flags);
struct _virDomain *virDomainCreateXML(struct _virConnect *conn, const char *xml,
                                      unsigned int flags);
struct _virDomain *virDomainCreateXMLWithFiles(struct _virConnect *conn, const char *xml,
                                               unsigned int nfiles, int *files, unsigned int flags);
int virDomainCreate(struct _virDomain *domain);
int virDomainCreateWithFlags(struct _virDomain *domain, unsigned int flags);
int virDomainCreateWithFiles(struct _virDomain *domain, unsigned int nfiles, int *files,
                             unsigned int flags);
int virDomainDestroy(struct _virDomain *domain);
int virDomainDestroyFlags(struct _virDomain *domain, unsigned int flags);
int virDomainUndefine(struct _virDomain *domain);
int virDomainUndefineFlags(struct _virDomain *domain, unsigned int flags);

struct _virConnect *virDomainGetConnect(struct _virDomain *domain);
const char *virDomainGetName(struct _virDomain *domain);
int virDomainGetUUIDString(struct _virDomain *domain, char *uuid);
char *virDomainGetXMLDesc(struct _virDomain *domain, unsigned int flags);
int virDomainIsActive(struct _virDomain *domain);
int virDomainGetState(struct _virDomain *domain, int *state, int *reason, unsigned int flags);
int virDomainIsPersistent(struct _virDomain *domain);
int virDomainHasManagedSaveImage(struct _virDomain *domain, unsigned int flags);
int virDomainFree(struct _virDomain *domain);

struct _virError *virSaveLastError(void);
void virFreeError(struct _virError *error);
void virResetLastError(void);
int virGetLastErrorCode(void);
const char *virGetLastErrorMessage(void);

/* Exported, but not promised: the filter does without it where it is missing. */
int virSetError(struct _virError *error);

#endif
