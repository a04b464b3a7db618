<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!--
  What the other stylesheets share: the policy, copying everything else, and merging an element with
  what the policy wants of it.

  $policy is what the guest must have, in libvirt's own words:
    <policy>
      <clock offset="localtime"><timer name="rtc" tickpolicy="catchup"/>…</clock>
      <hyperv><relaxed state="on"/>…</hyperv>
    </policy>
  The engine answers document('winguest:policy'), and gives a domain as libvirt reads it, with one
  <clock> and one <hyperv>, none of whose enlightenments is repeated. Elsewhere, pass the policy:
    xsltproc -param policy "document('policy.xml')/policy" clock.xsl domain.xml
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">

  <xsl:param name="policy" select="document('winguest:policy')/policy"/>

  <xsl:template match="/ | /domain">
    <xsl:copy>
      <xsl:apply-templates select="@* | node()"/>
    </xsl:copy>
  </xsl:template>

  <xsl:template match="@* | node()" priority="-1">
    <xsl:copy-of select="."/>
  </xsl:template>

  <!-- The element that is there: its own attributes, those that are wanted over them, and its
       children, each merged with the wanted one of its name. -->
  <xsl:template match="*" mode="merge">
    <xsl:param name="want"/>
    <xsl:copy>
      <xsl:copy-of select="@*"/>
      <xsl:copy-of select="$want/@*"/>
      <xsl:call-template name="children">
        <xsl:with-param name="want" select="$want"/>
      </xsl:call-template>
    </xsl:copy>
  </xsl:template>

  <!-- The children of the current element, then those that are wanted and missing. -->
  <xsl:template name="children">
    <xsl:param name="want"/>
    <xsl:variable name="have" select="."/>
    <xsl:for-each select="node()">
      <xsl:variable name="wanted" select="$want/*[name() = name(current()) and namespace-uri(current()) = '' and string(@name) = string(current()/@name)]"/>
      <xsl:choose>
        <xsl:when test="not(self::*) or not($wanted)">
          <!-- <catchup> is for tickpolicy='catchup' alone -->
          <xsl:if test="not(self::catchup) or not($want/@tickpolicy) or $want/@tickpolicy = 'catchup'">
            <xsl:copy-of select="."/>
          </xsl:if>
        </xsl:when>
        <!-- of several timers of a name libvirt uses the first -->
        <xsl:when test="self::timer and preceding-sibling::timer[@name = current()/@name]"/>
        <xsl:otherwise>
          <xsl:apply-templates select="." mode="merge">
            <xsl:with-param name="want" select="$wanted"/>
          </xsl:apply-templates>
        </xsl:otherwise>
      </xsl:choose>
    </xsl:for-each>
    <xsl:for-each select="$want/*">
      <xsl:if test="not($have/*[name() = name(current()) and namespace-uri() = '' and string(@name) = string(current()/@name)])">
        <xsl:copy-of select="."/>
      </xsl:if>
    </xsl:for-each>
  </xsl:template>

</xsl:stylesheet>
