// SPDX-License-Identifier: LGPL-2.1-or-later
// CloudStack's agent runs it before it has libvirt make a guest, and takes what transform returns for
// the domain. An exception would keep the guest from starting: after a fault of ours the domain is
// what it was, and the agent's log says why.
import java.util.concurrent.TimeUnit

class WinguestTransformer {
    static final long SECONDS = 10

    Object transform(Object logger, Object domain) {
        Process winguest = null
        try {
            def builder = new ProcessBuilder(System.getenv('WINGUEST') ?: 'winguest', 'rewrite', '-')
            builder.environment().put('LC_ALL', 'C.UTF-8')
            winguest = builder.start()
            def said = new StringBuffer()
            def rewritten = new ByteArrayOutputStream()
            def threads = [winguest.consumeProcessErrorStream(said), winguest.consumeProcessOutputStream(rewritten)]
            try {
                winguest.outputStream.withCloseable { it.write(domain.toString().getBytes('UTF-8')) }
            } catch (IOException ended) {
                // It has ended before it read all: its exit code tells.
            }
            if (!winguest.waitFor(SECONDS, TimeUnit.SECONDS)) {
                return leave(logger, domain, "no answer within ${SECONDS} s")
            }
            threads.each { it.join(1000) }
            if (said.length() > 0) {
                logger.warn(said.toString().trim())
            }
            return winguest.exitValue() == 0 ? rewritten.toString('UTF-8')
                                             : leave(logger, domain, "exit ${winguest.exitValue()}")
        } catch (Exception fault) {
            return leave(logger, domain, fault.toString())
        } finally {
            winguest?.destroyForcibly()
        }
    }

    private Object leave(Object logger, Object domain, Object why) {
        logger.warn("winguest: the guest starts as it was: ${why}".toString())
        return domain
    }
}

new WinguestTransformer()
