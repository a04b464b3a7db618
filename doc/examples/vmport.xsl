<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!--
  An example of a site's own stylesheet: switches VMware's I/O port off, which Windows takes for a
  sign that it runs under VMware. Put it into /etc/libvirt/winguest.d, root's and writable by nobody
  else, and name it in /etc/libvirt/winguest.conf, behind ours:

    [windows]
    stylesheets = clock.xsl hyperv.xsl vmport.xsl

  `winguest diff FILE` shows what it does. It runs behind ours on each guest that the policy is for,
  and must find its own work done when it runs again.
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">

  <!-- What nothing below is about stays as it is. -->
  <xsl:template match="@* | node()">
    <xsl:copy>
      <xsl:apply-templates select="@* | node()"/>
    </xsl:copy>
  </xsl:template>

  <xsl:template match="/domain/features/vmport">
    <vmport state="off"/>
  </xsl:template>

  <xsl:template match="/domain/features[not(vmport)]">
    <xsl:copy>
      <xsl:apply-templates select="@* | node()"/>
      <vmport state="off"/>
    </xsl:copy>
  </xsl:template>

</xsl:stylesheet>
