<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!-- The channel of the QEMU guest agent. libvirt adds the controller and the socket's path. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">

  <xsl:import href="merge.xsl"/>

  <xsl:variable name="missing" select="$policy/guest_agent and not(/domain/devices/channel/target[@name = 'org.qemu.guest_agent.0'])"/>

  <xsl:template name="channel">
    <xsl:if test="$missing">
      <channel type="unix">
        <target type="virtio" name="org.qemu.guest_agent.0"/>
      </channel>
    </xsl:if>
  </xsl:template>

  <xsl:template match="/domain/devices[not(following-sibling::devices)]">
    <xsl:copy>
      <xsl:copy-of select="@* | node()"/>
      <xsl:call-template name="channel"/>
    </xsl:copy>
  </xsl:template>

  <xsl:template match="/domain[not(devices)]">
    <xsl:copy>
      <xsl:copy-of select="@* | node()"/>
      <xsl:if test="$missing">
        <devices>
          <xsl:call-template name="channel"/>
        </devices>
      </xsl:if>
    </xsl:copy>
  </xsl:template>

</xsl:stylesheet>
