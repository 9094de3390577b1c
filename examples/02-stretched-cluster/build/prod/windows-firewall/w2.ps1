# Windows Firewall rules of server w2, cluster prod, made by hcipolc.
# Policy: contoso-prod

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

$policy = @{
    Server     = 'w2'
    Group      = 'Azure Stack HCI'
    NamePrefix = 'hcipolc-prod-'
    Profile    = 'Any'
    Address    = @(
        '10.2.0.12'
        'fd00:10:2::12'
    )
}

$proxy = @{
    Settings          = 'Set'
    Server            = '10.0.9.10:9090'
    WindowsBypass     = @(
        'localhost'
        'e1'
        'e2'
        'w1'
        'w2'
        'prod'
        '127.0.0.1'
        '10.1.0.11'
        '[fd00:10:1::11]'
        '10.1.0.12'
        '[fd00:10:1::12]'
        '10.2.0.11'
        '[fd00:10:2::11]'
        '10.2.0.12'
        '[fd00:10:2::12]'
    )
    EnvironmentBypass = @(
        'localhost'
        'e1'
        'e2'
        'w1'
        'w2'
        'prod'
        '127.0.0.1'
        '10.1.0.11'
        'fd00:10:1::11'
        '10.1.0.12'
        'fd00:10:1::12'
        '10.2.0.11'
        'fd00:10:2::11'
        '10.2.0.12'
        'fd00:10:2::12'
    )
    ArcBypass         = @(
    )
}

$addresses = @{
    'servers-c01f7940' = @(
        '10.1.0.11-10.1.0.12'
        '10.2.0.11-10.2.0.12'
        'fd00:10:1::11-fd00:10:1::12'
        'fd00:10:2::11-fd00:10:2::12'
    )
}

$keywords = @(
)

$rules = @(
    @{
        Name          = 'hcipolc-prod-hci-between-servers.icmp-in-ef4a3394'
        DisplayName   = 'Between all servers of the cluster (hci/between-servers.icmp, in)'
        Description   = 'Rule hci/between-servers.icmp. Feature: Between all servers of the cluster. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#firewall-rules-and-port-requirements.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'ICMPv4'
        IcmpType      = @('8')
        LocalAddress  = @('10.2.0.12')
        RemoteAddress = @('10.1.0.11-10.1.0.12', '10.2.0.11-10.2.0.12')
    }
    @{
        Name          = 'hcipolc-prod-hci-between-servers.icmp-in-17aa5320'
        DisplayName   = 'Between all servers of the cluster (hci/between-servers.icmp, in)'
        Description   = 'Rule hci/between-servers.icmp. Feature: Between all servers of the cluster. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#firewall-rules-and-port-requirements.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'ICMPv6'
        IcmpType      = @('128')
        LocalAddress  = @('fd00:10:2::12')
        RemoteAddress = @('fd00:10:1::11-fd00:10:1::12', 'fd00:10:2::11-fd00:10:2::12')
    }
    @{
        Name          = 'hcipolc-prod-hci-between-servers.smb-in-47fe590e'
        DisplayName   = 'Between all servers of the cluster (with smb-direct and ws-man) (hci/between-servers.smb, in)'
        Description   = 'Rule hci/between-servers.smb. Feature: Between all servers of the cluster. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#firewall-rules-and-port-requirements.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'TCP'
        LocalPort     = @('445', '5445', '5985')
        LocalAddress  = @('10.2.0.12', 'fd00:10:2::12')
        RemoteAddress = $addresses['servers-c01f7940']
    }
    @{
        Name          = 'hcipolc-prod-hci-failover-clustering.cluster-join-in-d261fd1b'
        DisplayName   = 'Failover Clustering (with cluster-service, rpc, rpc-dynamic and validation) (hci/failover-clustering.cluster-join, in)'
        Description   = 'Rule hci/failover-clustering.cluster-join. Feature: Failover Clustering. Note: Pin the RPC ports on every server, in HKLM\\Software\\Microsoft\\Rpc\\Internet. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#failover-clustering.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'TCP'
        LocalPort     = @('135', '445', '3343', '50000-50999')
        LocalAddress  = @('10.2.0.12', 'fd00:10:2::12')
        RemoteAddress = @('10.0.5.0/28', 'fd00:10:5::/64')
    }
    @{
        Name          = 'hcipolc-prod-hci-failover-clustering.cluster-join-in-272907ba'
        DisplayName   = 'Failover Clustering (with cluster-service, rpc, rpc-dynamic and validation) (hci/failover-clustering.cluster-join, in)'
        Description   = 'Rule hci/failover-clustering.cluster-join. Feature: Failover Clustering. Note: Pin the RPC ports on every server, in HKLM\\Software\\Microsoft\\Rpc\\Internet. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#failover-clustering.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'UDP'
        LocalPort     = @('3343')
        LocalAddress  = @('10.2.0.12', 'fd00:10:2::12')
        RemoteAddress = @('10.0.5.0/28', 'fd00:10:5::/64')
    }
    @{
        Name          = 'hcipolc-prod-hci-failover-clustering.icmp-in-c6a875e3'
        DisplayName   = 'Failover Clustering (hci/failover-clustering.icmp, in)'
        Description   = 'Rule hci/failover-clustering.icmp. Feature: Failover Clustering. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#failover-clustering.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'ICMPv4'
        IcmpType      = @('8')
        LocalAddress  = @('10.2.0.12')
        RemoteAddress = @('10.0.5.0/28')
    }
    @{
        Name          = 'hcipolc-prod-hci-failover-clustering.icmp-in-7547b865'
        DisplayName   = 'Failover Clustering (hci/failover-clustering.icmp, in)'
        Description   = 'Rule hci/failover-clustering.icmp. Feature: Failover Clustering. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#failover-clustering.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'ICMPv6'
        IcmpType      = @('128')
        LocalAddress  = @('fd00:10:2::12')
        RemoteAddress = @('fd00:10:5::/64')
    }
    @{
        Name          = 'hcipolc-prod-hci-failover-clustering.node-join-in-60e14130'
        DisplayName   = 'Failover Clustering (with node-service) (hci/failover-clustering.node-join, in)'
        Description   = 'Rule hci/failover-clustering.node-join. Feature: Failover Clustering. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#failover-clustering.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'TCP'
        LocalPort     = @('3343')
        LocalAddress  = @('10.2.0.12', 'fd00:10:2::12')
        RemoteAddress = $addresses['servers-c01f7940']
    }
    @{
        Name          = 'hcipolc-prod-hci-failover-clustering.node-join-in-1205cb6e'
        DisplayName   = 'Failover Clustering (with node-service) (hci/failover-clustering.node-join, in)'
        Description   = 'Rule hci/failover-clustering.node-join. Feature: Failover Clustering. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#failover-clustering.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'UDP'
        LocalPort     = @('3343')
        LocalAddress  = @('10.2.0.12', 'fd00:10:2::12')
        RemoteAddress = $addresses['servers-c01f7940']
    }
    @{
        Name          = 'hcipolc-prod-hci-hyper-v.live-migration-in-d6c774a1'
        DisplayName   = 'Hyper-V (hci/hyper-v.live-migration, in)'
        Description   = 'Rule hci/hyper-v.live-migration. Feature: Hyper-V. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#hyper-v.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'TCP'
        LocalPort     = @('6600')
        LocalAddress  = @('10.2.0.12', 'fd00:10:2::12')
        RemoteAddress = $addresses['servers-c01f7940']
    }
    @{
        Name          = 'hcipolc-prod-hci-hyper-v.vm-management-in-00144a0c'
        DisplayName   = 'Hyper-V (hci/hyper-v.vm-management, in)'
        Description   = 'Rule hci/hyper-v.vm-management. Feature: Hyper-V. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#hyper-v.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'TCP'
        LocalPort     = @('2179')
        LocalAddress  = @('10.2.0.12', 'fd00:10:2::12')
        RemoteAddress = @('10.0.5.0/28', 'fd00:10:5::/64')
    }
    @{
        Name          = 'hcipolc-prod-hci-windows-admin-center.winrm-https-in-6f6bc4ce'
        DisplayName   = 'Windows Admin Center (hci/windows-admin-center.winrm-https, in)'
        Description   = 'Rule hci/windows-admin-center.winrm-https. Feature: Windows Admin Center. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#windows-admin-center.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'TCP'
        LocalPort     = @('5986')
        LocalAddress  = @('10.2.0.12')
        RemoteAddress = @('10.0.5.10')
    }
    @{
        Name          = 'hcipolc-prod-hci-between-servers.icmp-out-3b8e8a79'
        DisplayName   = 'Between all servers of the cluster (hci/between-servers.icmp, out)'
        Description   = 'Rule hci/between-servers.icmp. Feature: Between all servers of the cluster. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#firewall-rules-and-port-requirements.'
        Direction     = 'Outbound'
        Action        = 'Allow'
        Protocol      = 'ICMPv4'
        IcmpType      = @('8')
        LocalAddress  = @('10.2.0.12')
        RemoteAddress = @('10.1.0.11-10.1.0.12', '10.2.0.11-10.2.0.12')
    }
    @{
        Name          = 'hcipolc-prod-hci-between-servers.icmp-out-34a18da8'
        DisplayName   = 'Between all servers of the cluster (hci/between-servers.icmp, out)'
        Description   = 'Rule hci/between-servers.icmp. Feature: Between all servers of the cluster. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#firewall-rules-and-port-requirements.'
        Direction     = 'Outbound'
        Action        = 'Allow'
        Protocol      = 'ICMPv6'
        IcmpType      = @('128')
        LocalAddress  = @('fd00:10:2::12')
        RemoteAddress = @('fd00:10:1::11-fd00:10:1::12', 'fd00:10:2::11-fd00:10:2::12')
    }
    @{
        Name          = 'hcipolc-prod-hci-between-servers.smb-out-ff755f4b'
        DisplayName   = 'Between all servers of the cluster (with smb-direct and ws-man) (hci/between-servers.smb, out)'
        Description   = 'Rule hci/between-servers.smb. Feature: Between all servers of the cluster. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#firewall-rules-and-port-requirements.'
        Direction     = 'Outbound'
        Action        = 'Allow'
        Protocol      = 'TCP'
        RemotePort    = @('445', '5445', '5985')
        LocalAddress  = @('10.2.0.12', 'fd00:10:2::12')
        RemoteAddress = $addresses['servers-c01f7940']
    }
    @{
        Name          = 'hcipolc-prod-hci-failover-clustering.node-join-out-8081cce8'
        DisplayName   = 'Failover Clustering (with node-service) (hci/failover-clustering.node-join, out)'
        Description   = 'Rule hci/failover-clustering.node-join. Feature: Failover Clustering. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#failover-clustering.'
        Direction     = 'Outbound'
        Action        = 'Allow'
        Protocol      = 'TCP'
        RemotePort    = @('3343')
        LocalAddress  = @('10.2.0.12', 'fd00:10:2::12')
        RemoteAddress = $addresses['servers-c01f7940']
    }
    @{
        Name          = 'hcipolc-prod-hci-failover-clustering.node-join-out-85ded74f'
        DisplayName   = 'Failover Clustering (with node-service) (hci/failover-clustering.node-join, out)'
        Description   = 'Rule hci/failover-clustering.node-join. Feature: Failover Clustering. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#failover-clustering.'
        Direction     = 'Outbound'
        Action        = 'Allow'
        Protocol      = 'UDP'
        RemotePort    = @('3343')
        LocalAddress  = @('10.2.0.12', 'fd00:10:2::12')
        RemoteAddress = $addresses['servers-c01f7940']
    }
    @{
        Name          = 'hcipolc-prod-hci-hyper-v.live-migration-out-65553b68'
        DisplayName   = 'Hyper-V (hci/hyper-v.live-migration, out)'
        Description   = 'Rule hci/hyper-v.live-migration. Feature: Hyper-V. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#hyper-v.'
        Direction     = 'Outbound'
        Action        = 'Allow'
        Protocol      = 'TCP'
        RemotePort    = @('6600')
        LocalAddress  = @('10.2.0.12', 'fd00:10:2::12')
        RemoteAddress = $addresses['servers-c01f7940']
    }
    @{
        Name          = 'hcipolc-prod-main-proxy.corp-out-10e16854'
        DisplayName   = 'Proxy of the servers (main/proxy.corp, out)'
        Description   = 'Rule main/proxy.corp. Feature: Proxy of the servers.'
        Direction     = 'Outbound'
        Action        = 'Allow'
        Protocol      = 'TCP'
        RemotePort    = @('9090')
        LocalAddress  = @('10.2.0.12')
        RemoteAddress = @('10.0.9.10')
    }
)

# ---- the engine, first half: comparing this server with the table; the same in every script ----
# Cmdlets of NetSecurity are functions of another module, which do not see $ErrorActionPreference
# of this script: each call says -ErrorAction Stop itself, or a failure would pass unnoticed.

function Get-PropertyValue {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [AllowNull()]
        [object] $InputObject,

        [Parameter(Mandatory = $true)]
        [string] $Name
    )
    # Strict mode makes a missing property an error; older servers lack some.
    if ($null -ne $InputObject -and $null -ne $InputObject.PSObject.Properties[$Name]) {
        $InputObject.$Name
    }
}

function ConvertTo-AddressSpan {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyString()]
        [string] $Address
    )
    # Windows gives 10.0.0.0/24 back as 10.0.0.0/255.255.255.0 and may give a single address back as
    # a range, so lists are compared by first and last address in hexadecimal.
    $ends = @($Address.Trim() -split '-')
    $pair = @($ends[0] -split '/')
    $parsed = $null
    if (-not [System.Net.IPAddress]::TryParse($pair[0], [ref] $parsed)) {
        return $Address.Trim().ToLowerInvariant()
    }
    $first = $parsed.GetAddressBytes()
    $last = $parsed.GetAddressBytes()
    if ($ends.Count -eq 2) {
        $last = [System.Net.IPAddress]::Parse($ends[1]).GetAddressBytes()
    }
    elseif ($pair.Count -eq 2) {
        $mask = New-Object -TypeName 'byte[]' -ArgumentList $first.Length
        if ($pair[1] -match '[.:]') {
            $mask = [System.Net.IPAddress]::Parse($pair[1]).GetAddressBytes()
        }
        else {
            for ($i = 0; $i -lt $mask.Length; $i++) {
                $bits = [System.Math]::Max(0, [System.Math]::Min(8, [int] $pair[1] - 8 * $i))
                $mask[$i] = (255 -shl (8 - $bits)) -band 255
            }
        }
        for ($i = 0; $i -lt $mask.Length; $i++) {
            $first[$i] = $first[$i] -band $mask[$i]
            $last[$i] = $first[$i] -bor (255 -bxor $mask[$i])
        }
    }
    $texts = foreach ($bytes in @($first, $last)) {
        [System.BitConverter]::ToString($bytes).Replace('-', '')
    }
    $texts -join '-'
}

function ConvertTo-ListText {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowNull()]
        [AllowEmptyCollection()]
        [object[]] $Value,

        [Parameter()]
        [switch] $IsAddress
    )
    $texts = @(
        foreach ($item in $Value) {
            if ($IsAddress) {
                ConvertTo-AddressSpan -Address "$item"
            }
            else {
                # '8' may come back as '8:*', a GUID with or without its braces.
                "$item".Trim([char[]] ' {}').ToLowerInvariant() -replace ':(\*|256)$', ''
            }
        }
    )
    if ($texts.Count -eq 0) {
        return 'any'
    }
    @($texts | Sort-Object -Unique) -join ' '
}

function ConvertTo-ProfileText {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Value
    )
    $text = ConvertTo-ListText -Value ($Value -split ',')
    if ($text -eq 'domain private public') {
        return 'any'
    }
    $text
}

function ConvertTo-ProtocolText {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyString()]
        [string] $Value
    )
    switch ($Value) {
        '1' { 'icmpv4' }
        '6' { 'tcp' }
        '17' { 'udp' }
        '58' { 'icmpv6' }
        default { $Value.ToLowerInvariant() }
    }
}

function Get-WantedAspect {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Rule,

        [Parameter(Mandatory = $true)]
        [string] $ProfileName
    )
    @{
        Direction     = $Rule['Direction'].ToLowerInvariant()
        Action        = $Rule['Action'].ToLowerInvariant()
        Profile       = ConvertTo-ProfileText -Value $ProfileName
        Protocol      = ConvertTo-ProtocolText -Value $Rule['Protocol']
        LocalPort     = ConvertTo-ListText -Value $Rule['LocalPort']
        RemotePort    = ConvertTo-ListText -Value $Rule['RemotePort']
        IcmpType      = ConvertTo-ListText -Value $Rule['IcmpType']
        LocalAddress  = ConvertTo-ListText -Value $Rule['LocalAddress'] -IsAddress
        RemoteAddress = ConvertTo-ListText -Value $Rule['RemoteAddress'] -IsAddress
        RemoteName    = ConvertTo-ListText -Value $Rule['RemoteDynamicKeywordAddresses']
        Program       = 'any'
        Service       = 'any'
        InterfaceType = 'any'
    }
}

function Get-FilterIndex {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Store
    )
    # One call per kind of filter: a call per rule takes minutes on a server with many rules.
    $common = @{ PolicyStore = $Store; ErrorAction = 'Stop' }
    $index = @{ Address = @{}; Port = @{}; Program = @{}; Service = @{}; InterfaceType = @{} }
    Get-NetFirewallAddressFilter @common | ForEach-Object { $index['Address'][$_.InstanceID] = $_ }
    Get-NetFirewallPortFilter @common | ForEach-Object { $index['Port'][$_.InstanceID] = $_ }
    Get-NetFirewallApplicationFilter @common |
        ForEach-Object { $index['Program'][$_.InstanceID] = $_.Program }
    Get-NetFirewallServiceFilter @common |
        ForEach-Object { $index['Service'][$_.InstanceID] = $_.Service }
    Get-NetFirewallInterfaceTypeFilter @common |
        ForEach-Object { $index['InterfaceType'][$_.InstanceID] = $_.InterfaceType }
    $index
}

function Get-LiveAspect {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [object] $Rule,

        [Parameter(Mandatory = $true)]
        [hashtable] $Index
    )
    $id = $Rule.InstanceID
    $address = $Index['Address'][$id]
    $port = $Index['Port'][$id]
    $protocol = Get-PropertyValue -InputObject $port -Name 'Protocol'
    $protocol = ConvertTo-ProtocolText -Value "$protocol"
    $aspect = @{
        Direction  = "$($Rule.Direction)".ToLowerInvariant()
        Action     = "$($Rule.Action)".ToLowerInvariant()
        Profile    = ConvertTo-ProfileText -Value "$($Rule.Profile)"
        Protocol   = $protocol
        LocalPort  = 'any'
        RemotePort = 'any'
        IcmpType   = 'any'
        RemoteName = ConvertTo-ListText -Value @(
            Get-PropertyValue -InputObject $Rule -Name 'RemoteDynamicKeywordAddresses'
        )
    }
    $meaningful = switch ($protocol) {
        'tcp' { 'LocalPort', 'RemotePort' }
        'udp' { 'LocalPort', 'RemotePort' }
        'icmpv4' { 'IcmpType' }
        'icmpv6' { 'IcmpType' }
    }
    foreach ($name in @($meaningful)) {
        if ($null -ne $name) {
            $value = @(Get-PropertyValue -InputObject $port -Name $name)
            $aspect[$name] = ConvertTo-ListText -Value $value
        }
    }
    foreach ($name in @('LocalAddress', 'RemoteAddress')) {
        $value = @(Get-PropertyValue -InputObject $address -Name $name)
        $aspect[$name] = ConvertTo-ListText -Value $value -IsAddress
    }
    foreach ($name in @('Program', 'Service', 'InterfaceType')) {
        $aspect[$name] = "$($Index[$name][$id])".ToLowerInvariant() -replace '^$', 'any'
    }
    $aspect
}

function Get-OwnRule {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [string] $Store
    )
    # Not -Group: that parameter takes wildcards and reports "not found" as an error. The name is
    # asked for too: rules that somebody else put into the group are not ours.
    $prefix = $Policy['NamePrefix']
    $ignoreCase = [System.StringComparison]::OrdinalIgnoreCase
    $own = @{}
    Get-NetFirewallRule -PolicyStore $Store -ErrorAction Stop |
        Where-Object { $_.Group -eq $Policy['Group'] } |
        Where-Object { $_.Name.StartsWith($prefix, $ignoreCase) } |
        ForEach-Object { $own[$_.Name] = $_ }
    $own
}

function Get-Finding {
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Rule,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [hashtable] $Present,

        [Parameter(Mandatory = $true)]
        [string] $Store
    )
    $index = @{}
    if ($Present.Count -gt 0) {
        $index = Get-FilterIndex -Store $Store
    }
    $wantedNames = @{}
    foreach ($item in $Rule) {
        $name = $item['Name']
        $wantedNames[$name] = $true
        if (-not $Present.ContainsKey($name)) {
            [pscustomobject] @{ Name = $name; Finding = 'Missing'; Rule = $item }
            continue
        }
        $wanted = Get-WantedAspect -Rule $item -ProfileName $Policy['Profile']
        $live = Get-LiveAspect -Rule $Present[$name] -Index $index
        $different = @($wanted.Keys | Where-Object { $wanted[$_] -ne $live[$_] } | Sort-Object)
        if ($different.Count -gt 0) {
            $finding = 'Changed: {0}' -f ($different -join ', ')
            $address = $index['Address'][$Present[$name].InstanceID]
            $former = @(Get-PropertyValue -InputObject $address -Name 'RemoteAddress')
            [pscustomobject] @{ Name = $name; Finding = $finding; Rule = $item; Former = $former }
        }
        elseif ("$($Present[$name].Enabled)" -ne 'True') {
            [pscustomobject] @{ Name = $name; Finding = 'Disabled'; Rule = $item }
        }
    }
    foreach ($name in @($Present.Keys | Sort-Object)) {
        if (-not $wantedNames.ContainsKey($name)) {
            [pscustomobject] @{ Name = $name; Finding = 'Stale'; Rule = $null }
        }
    }
}

function Get-MissingKeyword {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Keyword
    )
    if ($Keyword.Count -eq 0) {
        return
    }
    $command = 'New-NetFirewallDynamicKeywordAddress'
    if ($null -eq (Get-Command -Name $command -ErrorAction SilentlyContinue)) {
        throw 'The rules match host names, which needs Windows Server 2022 or Azure Stack HCI 21H2.'
    }
    # When there are none the cmdlet reports an error; a real one shows as soon as one is created.
    $present = @{}
    Get-NetFirewallDynamicKeywordAddress -AllAutoResolve -ErrorAction SilentlyContinue |
        ForEach-Object { $present["$($_.Id)".Trim([char[]] '{}')] = $true }
    $Keyword | Where-Object { -not $present.ContainsKey($_['Id'].Trim([char[]] '{}')) }
}

function Get-KeywordId {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Rule
    )
    foreach ($item in $Rule) {
        $ids = @(Get-PropertyValue -InputObject $item -Name 'RemoteDynamicKeywordAddresses')
        foreach ($id in $ids) {
            if ("$id" -ne '') {
                "$id"
            }
        }
    }
}

# ---- the engine, proxy: the server's own proxy settings; the same in every script ---------------
# Windows keeps four of them. WinINet is what the source document sets; WinHTTP is what services
# ask, the environment what agents and command lines ask, and the Azure Arc agent has its own. What
# was there before the first Apply is kept in the registry, which only administrators can write.

$proxyBackup = 'HKLM:\SOFTWARE\hcipolc\Proxy'
$internetSettings = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections'
$internetPolicy = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings'

function Get-RegistryValue {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Key,

        [Parameter(Mandatory = $true)]
        [string] $Name
    )
    if (Test-Path -LiteralPath $Key) {
        $item = Get-ItemProperty -LiteralPath $Key -ErrorAction Stop
        Get-PropertyValue -InputObject $item -Name $Name
    }
}

function ConvertFrom-ConnectionSetting {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowNull()]
        [AllowEmptyCollection()]
        [object[]] $Setting
    )
    # WinINet and WinHTTP write the same form: version, counter and flags of four bytes each, then
    # texts with their length before them. Flags: 2 a proxy, 4 a script, 8 detection.
    $state = @{ Server = ''; Bypass = ''; Script = ''; Detect = 'False' }
    $bytes = [byte[]] @($Setting | Where-Object { $null -ne $_ })
    if ($bytes.Length -lt 12) {
        return $state
    }
    $flags = [System.BitConverter]::ToInt32($bytes, 8)
    $texts = @('', '', '')
    $at = 12
    for ($i = 0; $i -lt 3 -and $at + 4 -le $bytes.Length; $i++) {
        $length = [System.BitConverter]::ToInt32($bytes, $at)
        if ($length -lt 0 -or $length -gt $bytes.Length - $at - 4) {
            break
        }
        $texts[$i] = [System.Text.Encoding]::ASCII.GetString($bytes, $at + 4, $length)
        $at += 4 + $length
    }
    if (($flags -band 2) -ne 0) {
        $state['Server'] = $texts[0]
        $state['Bypass'] = $texts[1]
    }
    if (($flags -band 4) -ne 0) {
        $state['Script'] = $texts[2]
    }
    $state['Detect'] = "$(($flags -band 8) -ne 0)"
    $state
}

function Invoke-ProxyTool {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Name,

        [Parameter(Mandatory = $true)]
        [string[]] $Argument
    )
    # Every argument stays one argument: no shell stands between.
    $output = & $Name @Argument
    if ($LASTEXITCODE -ne 0) {
        throw ('{0} {1} failed with code {2}.' -f $Name, ($Argument -join ' '), $LASTEXITCODE)
    }
    "$output"
}

function Get-ArcProperty {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Name
    )
    $text = Invoke-ProxyTool -Name 'azcmagent.exe' -Argument @('config', 'get', $Name)
    $text.Trim([char[]] ' []"')
}

function Get-ProxyState {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Layer
    )
    # Nothing for a part that this server does not have.
    switch ($Layer) {
        'WinINet' {
            if ("$(Get-RegistryValue -Key $internetPolicy -Name 'ProxySettingsPerUser')" -ne '0') {
                return @{ Scope = 'User'; Server = ''; Bypass = ''; Script = ''; Detect = 'False' }
            }
            $value = Get-RegistryValue -Key $internetSettings -Name 'DefaultConnectionSettings'
            $state = ConvertFrom-ConnectionSetting -Setting $value
            $state['Scope'] = 'Machine'
            return $state
        }
        'WinHTTP' {
            $value = Get-RegistryValue -Key $internetSettings -Name 'WinHttpSettings'
            $state = ConvertFrom-ConnectionSetting -Setting $value
            return @{ Server = $state['Server']; Bypass = $state['Bypass'] }
        }
        'Environment' {
            $state = @{}
            foreach ($name in @('HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY')) {
                $state[$name] = "$([System.Environment]::GetEnvironmentVariable($name, 'Machine'))"
            }
            return $state
        }
        'Azure Arc agent' {
            if ($null -ne (Get-Command -Name 'azcmagent.exe' -ErrorAction SilentlyContinue)) {
                return @{
                    Server = Get-ArcProperty -Name 'proxy.url'
                    Bypass = Get-ArcProperty -Name 'proxy.bypass'
                }
            }
        }
    }
}

function Get-WantedProxyState {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Proxy
    )
    if ($Proxy['Settings'] -ne 'Set') {
        return @{}
    }
    $url = 'http://{0}' -f $Proxy['Server']
    $list = $Proxy['WindowsBypass'] -join ';'
    @{
        'WinINet'         = @{
            Scope  = 'Machine'
            Server = $Proxy['Server']
            Bypass = $list
            Script = ''
            Detect = 'False'
        }
        'WinHTTP'         = @{ Server = $Proxy['Server']; Bypass = $list }
        'Environment'     = @{
            HTTP_PROXY  = $url
            HTTPS_PROXY = $url
            NO_PROXY    = $Proxy['EnvironmentBypass'] -join ','
        }
        'Azure Arc agent' = @{ Server = $url; Bypass = $Proxy['ArcBypass'] -join ',' }
    }
}

function Write-ProxyState {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Layer,

        [Parameter(Mandatory = $true)]
        [hashtable] $State
    )
    switch ($Layer) {
        'WinINet' {
            # Without arguments it goes back to settings of each user's own.
            $parameters = @{}
            if ($State['Scope'] -eq 'Machine') {
                $parameters['ProxySettingsPerUser'] = 0
                if ($State['Server'] -ne '') {
                    $parameters['ProxyServer'] = $State['Server']
                }
                if ($State['Bypass'] -ne '') {
                    $parameters['ProxyBypass'] = $State['Bypass']
                }
                if ($State['Script'] -ne '') {
                    $parameters['AutoConfigURL'] = $State['Script']
                }
                if ($State['Detect'] -eq 'True') {
                    Write-Warning -Message 'WinINet: automatic detection was on and stays off now.'
                }
            }
            Set-WinInetProxy @parameters -ErrorAction Stop | Out-Null
        }
        'WinHTTP' {
            $arguments = @('winhttp', 'reset', 'proxy')
            if ($State['Server'] -ne '') {
                $arguments = @('winhttp', 'set', 'proxy', "proxy-server=$($State['Server'])")
                if ($State['Bypass'] -ne '') {
                    $arguments += "bypass-list=$($State['Bypass'])"
                }
            }
            Invoke-ProxyTool -Name 'netsh.exe' -Argument $arguments | Out-Null
        }
        'Environment' {
            foreach ($name in @($State.Keys | Sort-Object)) {
                [System.Environment]::SetEnvironmentVariable($name, $State[$name], 'Machine')
            }
        }
        'Azure Arc agent' {
            # Older agents know no proxy.bypass: what is right already is not asked for.
            $current = Get-ProxyState -Layer $Layer
            foreach ($pair in @(@('proxy.url', 'Server'), @('proxy.bypass', 'Bypass'))) {
                $value = $State[$pair[1]]
                $arguments = @('config', 'set', $pair[0], $value)
                if ($value -eq '') {
                    $arguments = @('config', 'clear', $pair[0])
                }
                if ($value -ne $current[$pair[1]]) {
                    Invoke-ProxyTool -Name 'azcmagent.exe' -Argument $arguments | Out-Null
                }
            }
        }
    }
}

function Get-ProxyBackup {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Layer
    )
    $text = Get-RegistryValue -Key $proxyBackup -Name $Layer
    if ($null -eq $text) {
        return
    }
    $state = @{}
    foreach ($property in (ConvertFrom-Json -InputObject "$text").PSObject.Properties) {
        $state[$property.Name] = "$($property.Value)"
    }
    $state
}

function Save-ProxyBackup {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Layer,

        [Parameter(Mandatory = $true)]
        [hashtable] $State
    )
    if (-not (Test-Path -LiteralPath $proxyBackup)) {
        New-Item -Path $proxyBackup -Force -ErrorAction Stop | Out-Null
    }
    $text = ConvertTo-Json -InputObject $State -Compress
    $parameters = @{ LiteralPath = $proxyBackup; Name = $Layer; Value = $text }
    New-ItemProperty @parameters -PropertyType 'String' -Force -ErrorAction Stop | Out-Null
}

function Clear-ProxyBackup {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Layer
    )
    Remove-ItemProperty -LiteralPath $proxyBackup -Name $Layer -ErrorAction Stop
}

function Get-ProxyFinding {
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Proxy
    )
    # State is what the part should be set to; Former what it is now.
    $wanted = Get-WantedProxyState -Proxy $Proxy
    foreach ($layer in @('WinINet', 'WinHTTP', 'Environment', 'Azure Arc agent')) {
        $name = 'Proxy of {0}' -f $layer
        $backup = Get-ProxyBackup -Layer $layer
        if (-not $wanted.ContainsKey($layer) -and $null -eq $backup) {
            continue
        }
        $live = Get-ProxyState -Layer $layer
        if ($null -eq $live) {
            continue
        }
        $finding = [pscustomobject] @{
            Name = $name; Finding = 'Stale'; Layer = $layer; State = $backup; Former = $live
        }
        if ($wanted.ContainsKey($layer)) {
            $state = $wanted[$layer]
            $different = @(
                foreach ($key in @($state.Keys | Sort-Object)) {
                    # Lists may come back in another order.
                    $right = ConvertTo-ListText -Value @($state[$key] -split '[;,\s]+')
                    $is = ConvertTo-ListText -Value @($live[$key] -split '[;,\s]+')
                    if ($right -ne $is) {
                        $key
                    }
                }
            )
            if ($different.Count -eq 0) {
                continue
            }
            $finding.State = $state
            $finding.Finding = 'Changed: {0}' -f ($different -join ', ')
            if ($null -eq $backup) {
                $finding.Finding = 'Missing'
            }
        }
        $finding
    }
}
# ---- the engine, second half: changing this server; the same in every script -------------------

function Add-PolicyRule {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [hashtable] $Rule,

        [Parameter(Mandatory = $true)]
        [string] $Store
    )
    $parameters = $Rule.Clone()
    $parameters['PolicyStore'] = $Store
    $parameters['Group'] = $Policy['Group']
    $parameters['Profile'] = $Policy['Profile']
    $parameters['Enabled'] = 'True'
    foreach ($name in @('DisplayName', 'Description')) {
        $parameters[$name] = [System.Text.RegularExpressions.Regex]::Unescape($Rule[$name])
    }
    New-NetFirewallRule @parameters -ErrorAction Stop | Out-Null
}

function Test-OwnAddress {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [string[]] $Address
    )
    $spans = @(foreach ($item in $Address) { ConvertTo-AddressSpan -Address $item })
    foreach ($card in [System.Net.NetworkInformation.NetworkInterface]::GetAllNetworkInterfaces()) {
        foreach ($unicast in $card.GetIPProperties().UnicastAddresses) {
            $text = $unicast.Address.ToString() -replace '%.*$', ''
            $own = @((ConvertTo-AddressSpan -Address $text) -split '-')[0]
            foreach ($span in $spans) {
                $ends = @($span -split '-')
                if ($ends[0].Length -eq $own.Length -and
                    [string]::CompareOrdinal($ends[0], $own) -le 0 -and
                    [string]::CompareOrdinal($own, $ends[1]) -le 0) {
                    return $true
                }
            }
        }
    }
    $false
}

function Write-EnforcementWarning {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Rule
    )
    # Says why rules that are all there may still not decide what passes.
    $allowsOut = @(
        $Rule | Where-Object { $_['Direction'] -eq 'Outbound' -and $_['Action'] -eq 'Allow' }
    )
    foreach ($item in @(Get-NetFirewallProfile -PolicyStore ActiveStore -ErrorAction Stop)) {
        $name = $item.Name
        if ("$($item.Enabled)" -eq 'False') {
            $text = 'Profile {0}: the firewall is off, no rule is in force.'
            Write-Warning -Message ($text -f $name)
        }
        if ("$($item.AllowLocalFirewallRules)" -eq 'False') {
            $text = 'Profile {0}: Group Policy has local rules ignored (AllowLocalFirewallRules).'
            Write-Warning -Message ($text -f $name)
        }
        if ("$($item.AllowInboundRules)" -eq 'False') {
            $text = 'Profile {0}: inbound rules are ignored (AllowInboundRules is False).'
            Write-Warning -Message ($text -f $name)
        }
        if ("$($item.DefaultInboundAction)" -eq 'Allow') {
            $text = 'Profile {0}: inbound traffic that no rule allows passes (default is Allow).'
            Write-Warning -Message ($text -f $name)
        }
        if ($allowsOut.Count -gt 0 -and "$($item.DefaultOutboundAction)" -ne 'Block') {
            $text = 'Profile {0}: outbound traffic that no rule allows passes (no default Block).'
            Write-Warning -Message ($text -f $name)
        }
    }
}

$isLocal = $PolicyStore -eq 'PersistentStore'
if ($isLocal -and $Mode -ne 'Remove' -and -not (Test-OwnAddress -Address $policy['Address'])) {
    $text = 'This machine has none of the addresses of server {0} ({1}).'
    $text = $text -f $policy['Server'], ($policy['Address'] -join ', ')
    if ($Mode -eq 'Apply' -and -not $Force) {
        throw ('{0} Nothing was changed; -Force applies the rules all the same.' -f $text)
    }
    Write-Warning -Message $text
}
if ($Mode -eq 'Apply' -and -not $isLocal -and $keywords.Count -gt 0) {
    throw 'The rules match host names through dynamic keywords, which a Group Policy cannot hold.'
}

$present = Get-OwnRule -Policy $policy -Store $PolicyStore
$findings = @()
$missingKeywords = @()
$removals = @($present.Keys | Sort-Object)
if ($Mode -ne 'Remove') {
    $findings = @(Get-Finding -Policy $policy -Rule $rules -Present $present -Store $PolicyStore)
    $missingKeywords = @(Get-MissingKeyword -Keyword $keywords)
    $removals = @($findings | Where-Object { $_.Finding -eq 'Stale' } | ForEach-Object { $_.Name })
}

$proxyFindings = @()
if ($isLocal -and $proxy['Settings'] -ne 'Ignored') {
    $wantedProxy = $proxy
    if ($Mode -eq 'Remove') {
        $wantedProxy = @{ Settings = 'None' }
    }
    $proxyFindings = @(Get-ProxyFinding -Proxy $wantedProxy)
    $needsModule = @($proxyFindings | Where-Object { $_.Layer -eq 'WinINet' }).Count -gt 0
    $command = Get-Command -Name 'Set-WinInetProxy' -ErrorAction SilentlyContinue
    if ($Mode -ne 'Verify' -and $needsModule -and $null -eq $command) {
        throw 'Nothing was changed: proxy settings need the module WinInetProxy, which is missing.'
    }
}

if ($Mode -eq 'Verify') {
    foreach ($item in $missingKeywords) {
        [pscustomobject] @{ Name = $item['Keyword']; Finding = 'Missing host name' }
    }
    $findings | Select-Object -Property 'Name', 'Finding'
    $proxyFindings | Select-Object -Property 'Name', 'Finding'
    if ($isLocal) {
        Write-EnforcementWarning -Rule $rules
    }
    return
}

$created = New-Object -TypeName 'System.Collections.Generic.List[string]'
$createdKeywords = New-Object -TypeName 'System.Collections.Generic.List[string]'
$updated = New-Object -TypeName 'System.Collections.Generic.List[object]'
$changedProxies = New-Object -TypeName 'System.Collections.Generic.List[object]'
try {
    foreach ($item in $missingKeywords) {
        if ($PSCmdlet.ShouldProcess($item['Keyword'], 'Create dynamic keyword for host name')) {
            $parameters = @{ Id = $item['Id']; Keyword = $item['Keyword']; AutoResolve = $true }
            New-NetFirewallDynamicKeywordAddress @parameters -ErrorAction Stop | Out-Null
            $createdKeywords.Add($item['Id'])
        }
    }
    foreach ($item in @($findings | Where-Object { $_.Finding -eq 'Missing' })) {
        if ($PSCmdlet.ShouldProcess($item.Name, 'Create firewall rule')) {
            Add-PolicyRule -Policy $policy -Rule $item.Rule -Store $PolicyStore
            $created.Add($item.Name)
            [pscustomobject] @{ Name = $item.Name; Finding = 'Created' }
        }
    }
    # The addresses of a service tag change under the rule's name.
    foreach ($item in @($findings | Where-Object { $_.Finding -eq 'Changed: RemoteAddress' })) {
        if ($PSCmdlet.ShouldProcess($item.Name, 'Set addresses of firewall rule')) {
            $parameters = @{ PolicyStore = $PolicyStore; Name = $item.Name }
            $parameters['RemoteAddress'] = @($item.Rule['RemoteAddress'])
            if (-not $item.Rule.ContainsKey('RemoteAddress')) {
                $parameters['RemoteAddress'] = 'Any'
            }
            $updated.Add($item)
            Set-NetFirewallRule @parameters -ErrorAction Stop
            [pscustomobject] @{ Name = $item.Name; Finding = 'Updated' }
        }
    }
    # A rule that was edited by hand has our name, so its successor cannot stand beside it.
    foreach ($item in @($findings | Where-Object { $_.Finding -like 'Changed*' })) {
        if ($item.Finding -eq 'Changed: RemoteAddress') {
            continue
        }
        if ($PSCmdlet.ShouldProcess($item.Name, 'Create changed firewall rule anew')) {
            Remove-NetFirewallRule -InputObject $present[$item.Name] -ErrorAction Stop
            Add-PolicyRule -Policy $policy -Rule $item.Rule -Store $PolicyStore
            [pscustomobject] @{ Name = $item.Name; Finding = 'Restored' }
        }
    }
    foreach ($item in @($findings | Where-Object { $_.Finding -eq 'Disabled' })) {
        if ($PSCmdlet.ShouldProcess($item.Name, 'Enable firewall rule')) {
            Enable-NetFirewallRule -InputObject $present[$item.Name] -ErrorAction Stop
            [pscustomobject] @{ Name = $item.Name; Finding = 'Enabled' }
        }
    }
    # Now that the way to the proxy is open, and before the former direct ways close.
    foreach ($item in @($proxyFindings | Where-Object { $_.Finding -ne 'Stale' })) {
        if ($PSCmdlet.ShouldProcess($item.Name, 'Set proxy')) {
            if ($null -eq (Get-ProxyBackup -Layer $item.Layer)) {
                Save-ProxyBackup -Layer $item.Layer -State $item.Former
            }
            $changedProxies.Add($item)
            Write-ProxyState -Layer $item.Layer -State $item.State
            [pscustomobject] @{ Name = $item.Name; Finding = 'Set' }
        }
    }
}
catch {
    $failure = $_
    Write-Warning -Message 'Not everything could be created: what this run made is removed again.'
    foreach ($name in $created) {
        try {
            Remove-NetFirewallRule -PolicyStore $PolicyStore -Name $name -ErrorAction Stop
        }
        catch {
            Write-Warning -Message ('Rule {0} could not be removed: {1}' -f $name, $_)
        }
    }
    foreach ($item in $updated) {
        try {
            $parameters = @{ PolicyStore = $PolicyStore; Name = $item.Name }
            Set-NetFirewallRule @parameters -RemoteAddress $item.Former -ErrorAction Stop
        }
        catch {
            $text = 'Rule {0} could not get its former addresses back: {1}'
            Write-Warning -Message ($text -f $item.Name, $_)
        }
    }
    foreach ($id in $createdKeywords) {
        try {
            Remove-NetFirewallDynamicKeywordAddress -Id $id -ErrorAction Stop
        }
        catch {
            Write-Warning -Message ('Dynamic keyword {0} could not be removed: {1}' -f $id, $_)
        }
    }
    foreach ($item in $changedProxies) {
        try {
            Write-ProxyState -Layer $item.Layer -State $item.Former
            if ($item.Finding -eq 'Missing') {
                Clear-ProxyBackup -Layer $item.Layer
            }
        }
        catch {
            Write-Warning -Message ('{0} could not be put back: {1}' -f $item.Name, $_)
        }
    }
    throw $failure
}

foreach ($item in @($proxyFindings | Where-Object { $_.Finding -eq 'Stale' })) {
    if ($PSCmdlet.ShouldProcess($item.Name, 'Restore what was there before')) {
        Write-ProxyState -Layer $item.Layer -State $item.State
        Clear-ProxyBackup -Layer $item.Layer
        [pscustomobject] @{ Name = $item.Name; Finding = 'Restored' }
    }
}

$oldKeywords = @(Get-KeywordId -Rule @($removals | ForEach-Object { $present[$_] }))
foreach ($name in $removals) {
    if ($PSCmdlet.ShouldProcess($name, 'Remove firewall rule')) {
        Remove-NetFirewallRule -InputObject $present[$name] -ErrorAction Stop
        [pscustomobject] @{ Name = $name; Finding = 'Removed' }
    }
}
if ($oldKeywords.Count -gt 0) {
    # A dynamic keyword goes when the last rule that used it has gone, whoever made that rule.
    $used = @{}
    $left = @(Get-NetFirewallRule -PolicyStore $PolicyStore -ErrorAction Stop)
    Get-KeywordId -Rule $left | ForEach-Object { $used[$_] = $true }
    foreach ($id in @($oldKeywords | Sort-Object -Unique)) {
        if ($used.ContainsKey($id)) {
            continue
        }
        if ($PSCmdlet.ShouldProcess($id, 'Remove dynamic keyword')) {
            Remove-NetFirewallDynamicKeywordAddress -Id $id -ErrorAction Stop
        }
    }
}

if ($Mode -eq 'Apply' -and $isLocal) {
    Write-EnforcementWarning -Rule $rules
}
