#Requires -Version 5.1
#Requires -RunAsAdministrator
#Requires -Modules NetSecurity

<#
.SYNOPSIS
    Verifies, applies or removes the Windows Firewall rules that a policy gives one server.
.DESCRIPTION
    The script is a table of rules and an engine that is the same in every script. Do not edit it:
    change the policy and compile again.

    A rule's name ends in a hash of its content, and all rules share a group. Only the addresses of
    a service tag may change under a name: they are set in place. Apply creates what is
    missing first and removes rules of the group that are no longer in the table last, so there is
    no moment without rules. When something cannot be created, what this run made is removed again
    and the former rules stay in force. A rule that someone edited by hand is the exception: it is
    removed and then made anew, and stays away if that fails. A second run changes nothing. Rules
    outside the group, and rules in it that the policy did not make, are never touched.

    Windows lets a block rule beat every allow rule, and lets everything pass that any rule allows:
    rules that Windows or other software made keep allowing what they allow. Outbound traffic passes
    without a rule unless the profile's default outbound action is Block; Windows' default is Allow.
    This script changes neither; Verify and Apply warn about it.

    Where the policy has a proxy, Apply also points the server to it: WinINet, WinHTTP, the
    variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the machine, and the Azure Arc agent if it is
    installed. Remove puts back what was there before, and so does Apply once the policy has no
    proxy any more. WinINet is set with Set-WinInetProxy, of the module WinInetProxy.

    Addresses :: and ::1, which rules cannot name and no packet on a network has, are left out of
    lists. In names for people, characters other than ASCII are written \u00FC and a backslash \\.
.PARAMETER Mode
    Verify (the default, changes nothing), Apply or Remove.
.PARAMETER PolicyStore
    PersistentStore (the default: this server's own rules), or 'domain.example\name' of a Group
    Policy object that holds this server's rules and no other server's.
.PARAMETER Force
    Applies the rules although none of the server's addresses belongs to this machine.
.OUTPUTS
    Verify: an object with Name and Finding for every rule that is Missing, Changed, Disabled or
    Stale, and for every such proxy setting; nothing if all is well. Apply and Remove: the same for
    everything they did.
.EXAMPLE
    .\server.ps1
.EXAMPLE
    .\server.ps1 -Mode Apply -WhatIf
.EXAMPLE
    Invoke-Command -ComputerName server -FilePath .\server.ps1 -ArgumentList 'Apply'
#>
[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
[OutputType([pscustomobject])]
param (
    [Parameter(Position = 0)]
    [ValidateSet('Verify', 'Apply', 'Remove')]
    [string] $Mode = 'Verify',

    # Rules in the other stores are read-only or gone at the next start.
    [Parameter()]
    [ValidateScript({ $_ -eq 'PersistentStore' -or $_ -match '^[^\\]+\\.+$' })]
    [string] $PolicyStore = 'PersistentStore',

    [Parameter()]
    [switch] $Force
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

