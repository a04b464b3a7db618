// SPDX-License-Identifier: LGPL-2.1-or-later
// What CloudStack's agent does with a hook (LibvirtKvmAgentHook): runs the script in an engine of its
// directory, and calls the method of the object that it gives, with a logger and the domain.
import groovy.util.GroovyScriptEngine

def hook = new GroovyScriptEngine(args[0]).run('libvirt-vm-xml-transformer.groovy', new Binding())
def logger = new Object() {
    void warn(Object text) { System.err.println(text) }
}
System.out.write(hook.invokeMethod('transform', [logger, System.in.getText('UTF-8')] as Object[]).toString().getBytes('UTF-8'))
System.out.flush()
